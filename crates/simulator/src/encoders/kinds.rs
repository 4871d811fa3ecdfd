//! The table of encoders.

/// The rules of one encoder, or of one line of them.
#[derive(Debug)]
pub(crate) struct Kind {
    /// What its ids begin with.
    pub(crate) begins: &'static str,
    pub(crate) body: Body,
    /// The lengths of its vectors, the usual one first.
    pub(crate) dimensions: &'static [u64],
    /// The most letters of one text.
    pub(crate) letters: usize,
}

/// The body that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    TitanG1,
    TitanV2,
    TitanImage,
    Nova,
    CohereV3,
    CohereV4,
    CohereRerank,
    AmazonRerank,
}

const fn of(begins: &'static str, body: Body, dimensions: &'static [u64], letters: usize) -> Kind {
    Kind { begins, body, dimensions, letters }
}

/// All of them.
pub(crate) const ALL: &[Kind] = &[
    of("amazon.titan-embed-text-v1", Body::TitanG1, &[1536], 50_000),
    of("amazon.titan-embed-g1-text-02", Body::TitanG1, &[1536], 50_000),
    of("amazon.titan-embed-text-", Body::TitanV2, &[1024, 512, 256], 50_000),
    of("amazon.titan-embed-image-", Body::TitanImage, &[1024, 384, 256], 2_000),
    of("amazon.nova-2-multimodal-embeddings", Body::Nova, &[3072, 1024, 384, 256], 8_192),
    of("cohere.embed-english-v3", Body::CohereV3, &[1024], 2_048),
    of("cohere.embed-multilingual-v3", Body::CohereV3, &[1024], 2_048),
    of("cohere.embed-", Body::CohereV4, &[1536, 1024, 512, 256], 500_000),
    of("cohere.rerank-", Body::CohereRerank, &[], 50_000),
    of("amazon.rerank-", Body::AmazonRerank, &[], 50_000),
];
