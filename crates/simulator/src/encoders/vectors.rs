//! Vectors of length one, made of the words of a text: texts that share words are near each other.

use super::check::Input;
use super::words::words;

/// The vector of an input, for a purpose.
pub(super) fn vector(input: &Input, purpose: &str, dimensions: usize) -> Vec<f64> {
    let mut sum = vec![0.0; dimensions];
    for word in input.words() {
        add(&word, 1.0, &mut sum);
    }
    // What it is for moves it a little.
    add(purpose, 0.05, &mut sum);
    let length = sum.iter().map(|number| number * number).sum::<f64>().sqrt();
    // Few digits are enough, and stay what they are as 32 bits.
    sum.iter().map(|number| (number / length * 1e6).round() / 1e6).collect()
}

/// The share of a query's words that a document has; a longer document loses a little.
pub(super) fn relevance(query: &str, document: &str) -> f64 {
    let (wanted, there) = (words(query), words(document));
    let found = wanted.iter().filter(|word| there.contains(word)).count();
    let share = found as f64 / wanted.len().max(1) as f64;
    let score = 0.98 * share + 0.01 / (1.0 + there.len() as f64);
    (score * 1e6).round() / 1e6
}

/// Adds the direction of a word.
fn add(word: &str, weight: f64, sum: &mut [f64]) {
    // FNV, then xorshift: every word has its own direction, always the same.
    let mut state = word
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    for number in sum {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *number += weight * ((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: &str, other: &str) -> f64 {
        let of = |text: &str| vector(&Input::Text(text.to_owned()), "x", 256);
        of(one).iter().zip(of(other)).map(|pair| pair.0 * pair.1).sum()
    }

    #[test]
    fn texts_that_share_words_are_near_each_other() {
        assert!((near("a cat", "a cat") - 1.0).abs() < 1e-3);
        assert!(near("the cat sat", "the cat ran") > near("the cat sat", "dogs bark loudly") + 0.2);
    }

    #[test]
    fn a_document_with_the_words_of_the_query_is_relevant() {
        assert!(relevance("capital of France", "Paris is the capital of France") > 0.9);
        assert!(relevance("capital of France", "cheese") < 0.1);
    }
}
