/// A generation of Gemma whose networks differ in little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Gemma {
    One,
    Two,
    Three,
}
