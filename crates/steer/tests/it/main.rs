//! Interventions against an independent implementation, and generation sets.

mod golden;
mod identities;
mod sets;
