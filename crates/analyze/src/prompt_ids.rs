//! The ids of prompts, held once however many conditions, poolings and layers have them.

use std::sync::Arc;

/// The list that others are compared with: that of another layer, or one that grows with the first rows of this one.
pub struct Leader {
    ids: Arc<Vec<String>>,
    is_open: bool,
}

impl Leader {
    /// Nothing is known yet.
    pub fn open() -> Self {
        Leader {
            ids: Arc::default(),
            is_open: true,
        }
    }

    /// What another layer has.
    pub fn of(ids: &Arc<Vec<String>>) -> Self {
        Leader {
            ids: ids.clone(),
            is_open: false,
        }
    }

    /// Whether there is such an id at this place, or it could be put there.
    fn takes(&mut self, place: usize, id: &str) -> bool {
        if place == self.ids.len() && self.is_open {
            Arc::make_mut(&mut self.ids).push(id.to_owned());
        }
        self.ids.get(place).is_some_and(|known| known == id)
    }
}

/// The ids of one group of rows, in their order.
pub enum PromptIds {
    /// So many of the leader's.
    AsLeader(usize),
    /// Others.
    Own(Vec<String>),
}

impl PromptIds {
    pub fn push(&mut self, id: String, leader: &mut Leader) {
        match self {
            PromptIds::Own(ids) => ids.push(id),
            PromptIds::AsLeader(count) if leader.takes(*count, &id) => *count += 1,
            PromptIds::AsLeader(count) => {
                let mut ids = leader.ids[..*count].to_vec();
                ids.push(id);
                *self = PromptIds::Own(ids);
            }
        }
    }

    pub fn list<'a>(&'a self, leader: &'a Leader) -> &'a [String] {
        match self {
            PromptIds::AsLeader(count) => &leader.ids[..*count],
            PromptIds::Own(ids) => ids,
        }
    }

    /// Without a copy where they are the leader's.
    pub fn shared(&self, leader: &Leader) -> Arc<Vec<String>> {
        match self {
            PromptIds::AsLeader(count) if *count == leader.ids.len() => leader.ids.clone(),
            _ => Arc::new(self.list(leader).to_vec()),
        }
    }

    /// Whether they are those of a layer that was checked before.
    pub fn are_known(&self, leader: &Leader) -> bool {
        !leader.is_open && matches!(self, PromptIds::AsLeader(count) if *count == leader.ids.len())
    }
}
