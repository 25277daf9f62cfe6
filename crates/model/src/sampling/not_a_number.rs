/// No token can be chosen. The logit of `token` is the first that is NaN, whether or not the token
/// is suppressed. Or none is NaN, but a token is to be drawn and this logit, divided by the
/// temperature, is the first that is positive infinity: it leaves no probabilities. A greedy choice
/// takes such a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumber {
    /// Its id.
    pub token: usize,
}
