//! The conversation: what goes to the gateway with each question, and what came back.

use serde_json::{Value, json};

/// The settings of each request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) model: String,
    pub(crate) effort: Option<String>,
    pub(crate) budget: Option<u32>,
}

impl Ask {
    /// The member `reasoning`, as OpenRouter's clients write it.
    fn reasoning(&self) -> Option<Value> {
        match (self.budget, &self.effort) {
            (Some(budget), _) => Some(json!({"max_tokens": budget})),
            (None, Some(effort)) => Some(json!({"effort": effort})),
            (None, None) => None,
        }
    }
}

/// A conversation in memory.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) ask: Ask,
    pub(crate) system: Option<String>,
    messages: Vec<Value>,
    /// Pictures, as data URIs, that go with the next question.
    attached: Vec<String>,
}

/// What the model said in a turn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) reasoning: String,
    pub(crate) content: String,
    /// Its reasoning as the gateway gave it.
    pub(crate) details: Vec<Value>,
}

impl Conversation {
    pub(crate) fn new(ask: Ask, system: Option<String>) -> Self {
        Self { ask, system, messages: Vec::new(), attached: Vec::new() }
    }

    /// Adds a picture to the next question.
    pub(crate) fn attach(&mut self, picture: String) {
        self.attached.push(picture);
    }

    /// Adds a question, with the pictures that wait for it. One that got no answer goes.
    pub(crate) fn question(&mut self, text: &str) {
        self.messages.pop_if(|message| message["role"] == "user");
        let pictures = std::mem::take(&mut self.attached);
        let content = if pictures.is_empty() {
            json!(text)
        } else {
            let pictures = pictures.into_iter().map(|url| json!({"type": "image_url", "image_url": {"url": url}}));
            Value::Array(pictures.chain([json!({"type": "text", "text": text})]).collect())
        };
        self.messages.push(json!({"role": "user", "content": content}));
    }

    /// Adds an answer, with its reasoning, so that the model gets it back.
    pub(crate) fn answer(&mut self, said: &Said) {
        let mut message = json!({"role": "assistant", "content": said.content});
        if !said.details.is_empty() {
            message["reasoning_details"] = Value::Array(said.details.clone());
        }
        self.messages.push(message);
    }

    /// Takes the answer to the last question out, so that it can be asked again.
    pub(crate) fn take_answer_back(&mut self) -> bool {
        let last = self.messages.iter().rposition(|message| message["role"] == "user");
        self.messages.truncate(last.map_or(0, |at| at + 1));
        last.is_some()
    }

    /// The text of the last answer.
    pub(crate) fn last_answer(&self) -> Option<&str> {
        self.messages.iter().rev().find(|message| message["role"] == "assistant")?["content"].as_str()
    }

    /// Forgets everything but the settings.
    pub(crate) fn clear(&mut self) {
        self.messages.clear();
        self.attached.clear();
    }

    /// The body of the request.
    pub(crate) fn body(&self) -> Value {
        let system = self.system.iter().map(|text| json!({"role": "system", "content": text}));
        let messages: Vec<Value> = system.chain(self.messages.iter().cloned()).collect();
        let mut body = json!({"model": self.ask.model, "messages": messages, "stream": true, "stream_options": {"include_usage": true}, "usage": {"include": true}});
        if let Some(reasoning) = self.ask.reasoning() {
            body["reasoning"] = reasoning;
        }
        body
    }

    /// The conversation as Markdown, for a file.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("# {}\n", self.ask.model);
        for message in &self.messages {
            let title = if message["role"] == "user" { "Question" } else { "Answer" };
            let content = match &message["content"] {
                Value::Array(parts) => {
                    let texts = parts.iter().map(|part| part["text"].as_str().unwrap_or("(a picture)"));
                    texts.collect::<Vec<_>>().join("\n\n")
                }
                content => content.as_str().unwrap_or_default().to_owned(),
            };
            text.push_str(&format!("\n## {title}\n\n{content}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation() -> Conversation {
        let ask = Ask { model: "m".into(), effort: Some("high".into()), budget: None };
        Conversation::new(ask, Some("Brief.".into()))
    }

    #[test]
    fn reasoning_goes_back_as_it_came() {
        let mut conversation = conversation();
        conversation.question("Why?");
        let detail = json!({"type": "reasoning.text", "text": "Hm.", "signature": "QUJD", "index": 0});
        conversation.answer(&Said { reasoning: "Hm.".into(), content: "So.".into(), details: vec![detail.clone()] });
        conversation.question("And?");
        let body = conversation.body();
        assert_eq!(body["reasoning"], json!({"effort": "high"}));
        assert_eq!(body["messages"][0], json!({"role": "system", "content": "Brief."}));
        assert_eq!(body["messages"][2]["reasoning_details"], json!([detail]));
        assert_eq!(body["messages"].as_array().map(Vec::len), Some(4));
    }

    #[test]
    fn a_question_is_asked_again_without_its_answer() {
        let mut conversation = conversation();
        assert!(!conversation.take_answer_back());
        conversation.question("Why?");
        conversation.answer(&Said { content: "So.".into(), ..Said::default() });
        assert!(conversation.take_answer_back());
        assert_eq!(conversation.body()["messages"].as_array().map(Vec::len), Some(2));
        conversation.question("How?");
        let body = conversation.body();
        assert_eq!(body["messages"].as_array().map(Vec::len), Some(2), "what got no answer goes");
        assert_eq!(body["messages"][1]["content"], "How?");
    }

    #[test]
    fn pictures_go_with_the_next_question_only() {
        let mut conversation = conversation();
        conversation.attach("data:image/png;base64,AA==".into());
        conversation.question("What is this?");
        conversation.answer(&Said { content: "A well.".into(), ..Said::default() });
        conversation.question("And?");
        let body = conversation.body();
        assert_eq!(body["messages"][1]["content"][0]["type"], "image_url");
        assert_eq!(body["messages"][3]["content"], "And?");
        assert!(conversation.markdown().contains("(a picture)\n\nWhat is this?"));
    }
}
