//! Lessons from refusals of models, for as long as the process lives: what was refused once is not asked for again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The most lessons that are kept; whoever names ever new models or schemas teaches nothing more.
const MOST: usize = 1024;

/// A lesson: a part of requests that a model was found to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lesson {
    /// Tools in a streamed answer.
    ToolsInStreams,
    /// This schema for its answer.
    Schema(u64),
    /// A count of tokens.
    TokenCounts,
}

/// The lessons of all models. While there are none, looking costs one number.
#[derive(Debug, Default)]
pub(crate) struct Lessons {
    count: AtomicUsize,
    learned: Mutex<BTreeSet<(String, Lesson)>>,
}

impl Lessons {
    /// Remembers what the model called by this id refuses.
    pub(crate) fn learn(&self, model_id: &str, lesson: Lesson) {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        if learned.len() < MOST {
            learned.insert((model_id.to_owned(), lesson));
            self.count.store(learned.len(), Ordering::Release);
        }
    }

    /// Whether no lesson was learned of any model.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Whether this lesson was learned of the model.
    pub(crate) fn knows(&self, model_id: &str, lesson: Lesson) -> bool {
        let learned = || self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        !self.is_empty() && learned().contains(&(model_id.to_owned(), lesson))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesson_is_of_its_model_and_there_are_only_so_many() {
        let lessons = Lessons::default();
        assert!(lessons.is_empty() && !lessons.knows("a", Lesson::ToolsInStreams));
        lessons.learn("a", Lesson::ToolsInStreams);
        assert!(lessons.knows("a", Lesson::ToolsInStreams) && !lessons.knows("b", Lesson::ToolsInStreams));
        assert!(!lessons.knows("a", Lesson::Schema(1)));
        (0..2 * MOST as u64).for_each(|schema| lessons.learn("b", Lesson::Schema(schema)));
        assert!(lessons.knows("b", Lesson::Schema(0)) && !lessons.knows("b", Lesson::Schema(2 * MOST as u64 - 1)));
        assert!(lessons.knows("a", Lesson::ToolsInStreams));
    }
}
