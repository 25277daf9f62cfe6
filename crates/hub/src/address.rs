use std::fmt::Write as _;

use ureq::http::Uri;

/// For a path in an address; its slashes stay.
pub(crate) fn escape(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            escaped.push(byte.into());
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// What `location` means on the page at `place`.
pub(crate) fn join(place: &Uri, location: &str) -> String {
    let scheme = place.scheme_str().unwrap_or_default();
    let authority = place.authority().map_or("", |authority| authority.as_str());
    if location.starts_with("http://") || location.starts_with("https://") {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        let folder = place.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    }
}

/// What one server may be told, the other may.
pub(crate) fn same_server(one: &Uri, other: &Uri) -> bool {
    let port = |place: &Uri| {
        let default = if place.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        place.port_u16().unwrap_or(default)
    };
    let host = |place: &Uri| place.host().map(str::to_ascii_lowercase);
    one.scheme_str() == other.scheme_str() && host(one) == host(other) && port(one) == port(other)
}
