use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Uri};

/// Who may ask: anyone who knows the token and asks this server by its own name. A page from
/// elsewhere doesn't know the token; and one whose own name leads here names another host.
pub struct Guard {
    token: String,
    names: [String; 2],
}

impl Guard {
    /// With a token that nobody can guess.
    pub fn of_port(port: u16) -> Result<Self, getrandom::Error> {
        Ok(Guard {
            token: random_text()?,
            names: [format!("127.0.0.1:{port}"), format!("localhost:{port}")],
        })
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// Why the request is refused, if it is.
    pub fn refusal(&self, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let is_own = |host: &str| self.names.iter().any(|name| name == host);
        if !text(HOST).is_some_and(is_own) {
            return Some("this server answers to 127.0.0.1 and localhost only");
        }
        let is_foreign = |origin: &str| !origin.strip_prefix("http://").is_some_and(is_own);
        if text(ORIGIN).is_some_and(is_foreign) {
            return Some("pages from elsewhere are not answered");
        }
        let mut parameters = uri.query().unwrap_or_default().split('&');
        let token = parameters.find_map(|parameter| parameter.strip_prefix("token="));
        if !token.is_some_and(|token| is_same(token, &self.token)) {
            return Some(
                "the token is missing or wrong: open the address that the program printed when it started",
            );
        }
        None
    }
}

/// 128 random bits in hexadecimal digits.
pub fn random_text() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Takes equally long wherever the texts differ, so that the time says nothing about the token.
fn is_same(a: &str, b: &str) -> bool {
    let differences = a.bytes().zip(b.bytes()).map(|(a, b)| a ^ b);
    a.len() == b.len() && differences.fold(0, |all, difference| all | difference) == 0
}
