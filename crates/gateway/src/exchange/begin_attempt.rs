//! An attempt begins: with the request that was written for its target.

use super::attempt::{Attempt, UpstreamRequest};
use super::plan::{Plan, Written};
use aquifer_translate::model::request_id::RequestId;
use aquifer_translate::translation::Road;
use http::{HeaderValue, header};

/// An attempt that began, with the request to send.
pub(super) struct Begun {
    pub(super) attempt: Attempt,
    pub(super) request: UpstreamRequest,
    /// The warnings about the request, in the words of its client's dialect.
    pub(super) warnings: Vec<String>,
}

impl Plan {
    /// Begins an attempt with what was written for a target.
    pub(super) fn begin(&self, written: Written, id: RequestId) -> Begun {
        let Written { mut outgoing, at, road, policy, mutation, answers, .. } = written;
        let mut headers = std::mem::take(&mut outgoing.headers);
        if !outgoing.accept.is_empty() {
            headers.insert(header::ACCEPT, HeaderValue::from_static(outgoing.accept));
        }
        mutation.headers(&mut headers);
        let request = UpstreamRequest { path: outgoing.path.clone(), headers, body: outgoing.body.clone() };
        let warnings: Vec<String> = outgoing.warnings.iter().map(|warning| self.dialect.warning(warning)).collect();
        let entry = self.targets.get(at).map(|target| target.entry(&self.config));
        let passed = self.passed.as_ref().filter(|_| road == Road::Passthrough);
        let words = passed.and_then(|passed| Some(passed.words(&request.body, entry?)));
        let recording = outgoing.memorable.then(|| self.room(at));
        let attempt = Attempt::new(outgoing, road, self.dialect, id, self.unix_seconds)
            .answering(answers)
            .warning(&warnings)
            .recording(recording)
            .veiled(&policy)
            .passing(words, policy.hidden)
            .played();
        Begun { attempt, request, warnings }
    }
}
