/// A generation of Gemma whose networks differ in little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gemma {
    One,
    Two,
    Three,
}
