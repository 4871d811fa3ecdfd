//! A request for the relevance of documents, and its answer, in the words of no dialect.

use super::text::Text;
use std::borrow::Cow;

/// A request to rank documents by their relevance to a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RerankRequest<'a> {
    /// The model that the client names.
    pub model: Cow<'a, str>,
    /// The query.
    pub query: Text<'a>,
    /// The documents, in order.
    pub documents: Vec<Text<'a>>,
    /// The most results that are wanted; none: all of them.
    pub top_n: Option<u32>,
    /// The most tokens of a document that are looked at.
    pub max_tokens_per_doc: Option<u32>,
    /// The documents stand in the answer too.
    pub return_documents: bool,
}

/// One document of a ranking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankedDocument {
    /// Its place in the request's list.
    pub index: usize,
    /// Its relevance as the model wrote it: a number.
    pub score: String,
}

impl RerankRequest<'_> {
    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> RerankRequest<'static> {
        let Self { model, query, documents, top_n, max_tokens_per_doc, return_documents } = self;
        RerankRequest {
            model: Cow::Owned(model.into_owned()),
            query: query.into_owned(),
            documents: documents.into_iter().map(Text::into_owned).collect(),
            top_n,
            max_tokens_per_doc,
            return_documents,
        }
    }
}
