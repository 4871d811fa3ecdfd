//! The commands of a chat.

use std::path::PathBuf;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Effort(Option<String>),
    Model(Option<String>),
    System(Option<String>),
    Retry(Option<String>),
    /// Asks the last question at two efforts.
    Compare {
        first: String,
        second: String,
    },
    Reasoning,
    Image(PathBuf),
    Save(PathBuf),
    Raw,
    Usage,
    Edit,
    Clear,
    Quit,
}

/// The words of the commands, for the completion.
pub(crate) const WORDS: [&str; 14] = [
    "/clear",
    "/compare",
    "/edit",
    "/effort",
    "/help",
    "/image",
    "/model",
    "/quit",
    "/raw",
    "/reasoning",
    "/retry",
    "/save",
    "/system",
    "/usage",
];

/// The efforts that a gateway takes.
pub const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// What `/help` says.
pub(crate) const HELP: &str = "\
/effort [LEVEL]       how hard the model thinks: none, minimal, low, medium, high, xhigh, max
/model [ID]           another model
/system [TEXT]        the system text; without a text there is none any more
/image FILE           a picture for the next question
/retry [LEVEL]        asks the last question again
/compare LEVEL LEVEL  asks it at two levels, one after the other
/reasoning            shows the last thoughts in full
/usage                tokens, times and cost of this chat
/raw                  the last answer as it came, without styles
/save FILE            writes the conversation as Markdown
/edit                 writes the question in $EDITOR
/clear                forgets the conversation
/quit                 leaves; so do Ctrl-D, and Ctrl-C twice
A line that ends with \\ goes on in the next one. Ctrl-C stops an answer.";

/// Reads a command, or says what is wrong with it.
pub(crate) fn read(line: &str) -> Result<Command, String> {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let given = || (!rest.is_empty()).then(|| rest.to_owned());
    let file = || given().map(PathBuf::from).ok_or_else(|| format!("{word} needs a file"));
    Ok(match word {
        "/help" | "/?" => Command::Help,
        "/effort" => Command::Effort(given().map(effort).transpose()?),
        "/model" => Command::Model(given()),
        "/system" => Command::System(given()),
        "/retry" => Command::Retry(given().map(effort).transpose()?),
        "/compare" => {
            let levels: Vec<&str> = rest.split_whitespace().collect();
            let [first, second] = levels.as_slice() else {
                return Err("/compare needs two levels, such as /compare low high".to_owned());
            };
            Command::Compare { first: effort((*first).to_owned())?, second: effort((*second).to_owned())? }
        }
        "/reasoning" => Command::Reasoning,
        "/image" => Command::Image(file()?),
        "/save" => Command::Save(file()?),
        "/raw" => Command::Raw,
        "/usage" => Command::Usage,
        "/edit" => Command::Edit,
        "/clear" => Command::Clear,
        "/quit" | "/exit" => Command::Quit,
        _ => return Err(format!("{word} is no command; /help lists them")),
    })
}

fn effort(word: String) -> Result<String, String> {
    match EFFORTS.contains(&word.as_str()) {
        true => Ok(word),
        false => Err(format!("{word} is no level; they are {}", EFFORTS.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_with_what_they_need() {
        assert_eq!(read("/effort high"), Ok(Command::Effort(Some("high".into()))));
        assert_eq!(read("/effort"), Ok(Command::Effort(None)));
        assert_eq!(read("/system Be brief. "), Ok(Command::System(Some("Be brief.".into()))));
        let compare = Command::Compare { first: "low".into(), second: "high".into() };
        assert_eq!(read("/compare low high"), Ok(compare));
        for wrong in ["/effort loud", "/save", "/compare low", "/nothing"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_command_is_completed_and_helped_with() {
        for word in WORDS {
            assert!(HELP.contains(word) || word == "/help", "{word}");
            let line = format!("{word} low high");
            assert!(!matches!(read(&line), Err(error) if error.contains("no command")), "{word}");
        }
    }
}
