//! What a request asks for, parsed once: where to connect, what to send, and where a redirect leads.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use phala_vm::extension::http::{HttpError, HttpRequest, URL_BYTES_MAX};

/// The methods that are offered: all that ask for something, none that makes a tunnel or an echo.
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Headers that the client sets itself: they say where a message ends and where it goes.
const RESERVED: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Ports below belong to protocols that are not HTTP, and whose servers could take a request for something else.
const PORT_MIN: u16 = 1024;

/// Sent unless the contract names itself: some servers refuse who does not.
const USER_AGENT: HeaderValue = HeaderValue::from_static("phala-worker");

/// Where a request goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// Whether over TLS.
    pub is_secure: bool,
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Origin {
    /// The `Host` header.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.is_secure { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

/// A request that may be sent.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where.
    pub origin: Origin,
    /// What of it: a path and perhaps a query.
    pub path: String,
    /// How.
    pub method: Method,
    /// With which headers.
    pub headers: HeaderMap,
    /// And which body.
    pub body: Vec<u8>,
}

impl Target {
    /// Checks a contract's request.
    pub fn parse(request: &HttpRequest) -> Result<Self, HttpError> {
        let (origin, path) = parse_url(&request.url)?;
        let method = METHODS.into_iter().find(|method| method.as_str() == request.method);
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HttpError::HeaderName)?;
            if RESERVED.contains(&name) {
                return Err(HttpError::HeaderName);
            }
            let value = HeaderValue::from_str(value).map_err(|_| HttpError::HeaderValue)?;
            headers.append(name, value);
        }
        headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        let method = method.ok_or(HttpError::Method)?;
        Ok(Self { origin, path, method, headers, body: request.body.clone() })
    }

    /// The next request, if this response is a redirect. Never to a place that would be told what only the first one was
    /// meant to know.
    pub fn redirected(mut self, status: u16, location: Option<&str>) -> Result<Next, HttpError> {
        let (true, Some(location)) = (matches!(status, 301 | 302 | 303 | 307 | 308), location) else {
            return Ok(Next::Done);
        };
        let (origin, path) = parse_url(&self.absolute(location)).map_err(|_| HttpError::Redirects)?;
        // As browsers do it: 303 always asks for the other thing, 301 and 302 do so for what was posted.
        let asks_again = match status {
            303 => self.method != Method::HEAD,
            301 | 302 => self.method == Method::POST,
            _ => false,
        };
        if asks_again {
            self.method = Method::GET;
            self.body = Vec::new();
            self.headers.remove(header::CONTENT_TYPE);
        }
        if origin != self.origin {
            let is_downgrade = self.origin.is_secure && !origin.is_secure;
            if is_downgrade || !self.body.is_empty() {
                return Err(HttpError::Redirects);
            }
            // Any of the contract's headers may be a credential for the first server.
            self.headers = self
                .headers
                .remove(header::ACCEPT)
                .map_or_else(HeaderMap::new, |accept| HeaderMap::from_iter([(header::ACCEPT, accept)]));
            self.headers.insert(header::USER_AGENT, USER_AGENT);
        }
        Ok(Next::Redirect(Box::new(Self { origin, path, ..self })))
    }

    /// A redirect's URL: whole, of the same scheme, of the same origin, or of the same folder.
    fn absolute(&self, location: &str) -> String {
        let scheme = if self.origin.is_secure { "https" } else { "http" };
        let origin = self.origin.authority();
        let path = self.path.split('?').next().unwrap_or_default();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        match location {
            _ if location.starts_with("//") => format!("{scheme}:{location}"),
            _ if location.starts_with('/') => format!("{scheme}://{origin}{location}"),
            _ if location.starts_with('?') => format!("{scheme}://{origin}{path}{location}"),
            _ if location.contains("://") => location.to_owned(),
            _ => format!("{scheme}://{origin}{folder}/{location}"),
        }
    }
}

/// What follows a response.
#[derive(Debug)]
pub enum Next {
    /// Nothing: it is the answer.
    Done,
    /// Another request.
    Redirect(Box<Target>),
}

fn parse_url(url: &str) -> Result<(Origin, String), HttpError> {
    if url.len() > URL_BYTES_MAX {
        return Err(HttpError::Url);
    }
    let uri: Uri = url.parse().map_err(|_| HttpError::Url)?;
    let is_secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(HttpError::Url),
    };
    let authority = uri.authority().ok_or(HttpError::Url)?;
    // `https://good.example@evil.example/` is how people are fooled; who needs a password sets the header.
    if authority.as_str().contains('@') {
        return Err(HttpError::Url);
    }
    let host = authority.host();
    let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        return Err(HttpError::Url);
    }
    let port = match authority.port() {
        Some(port) => port.as_u16(),
        // Nothing but a port follows the host, and this is none.
        None if authority.as_str() != authority.host() => return Err(HttpError::Url),
        None if is_secure => 443,
        None => 80,
    };
    if port < PORT_MIN && port != 80 && port != 443 {
        return Err(HttpError::Destination);
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok((Origin { is_secure, host: host.to_ascii_lowercase(), port }, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, url: &str) -> HttpRequest {
        HttpRequest {
            method: method.into(),
            url: url.into(),
            headers: vec![
                ("x-api-key".into(), "secret".into()),
                ("accept".into(), "application/json".into()),
                ("content-type".into(), "application/json".into()),
            ],
            body: if method == "GET" { vec![] } else { b"{}".to_vec() },
            body_bytes_max: 1024,
            timeout_ms: 1000,
        }
    }

    fn parsed(method: &str, url: &str) -> Target {
        Target::parse(&request(method, url)).unwrap()
    }

    fn url(target: &Target) -> String {
        let scheme = if target.origin.is_secure { "https" } else { "http" };
        format!("{scheme}://{}{}", target.origin.authority(), target.path)
    }

    #[test]
    fn urls_are_taken_apart() {
        for (given, expected) in [
            ("https://example.org", "https://example.org/"),
            ("HTTPS://Example.ORG/A?b=C#d", "https://example.org/A?b=C"),
            ("http://example.org:80/x", "http://example.org/x"),
            ("https://example.org:8443/x", "https://example.org:8443/x"),
            ("https://[2606:4700::1111]/x", "https://[2606:4700::1111]/x"),
            ("https://example.org?a=1", "https://example.org/?a=1"),
        ] {
            assert_eq!(url(&parsed("GET", given)), expected);
        }
    }

    #[test]
    fn what_is_no_public_url_is_refused() {
        for given in [
            "",
            "example.org",
            "/path",
            "ftp://example.org/",
            "file:///etc/passwd",
            "unix:///run/docker.sock",
            "https://",
            "https:///path",
            "https://user@example.org/",
            "https://user:pw@example.org/",
            "https://exa mple.org/",
            "https://münchen.example/",
            "https://example.org:/",
            "https://example.org:99999/",
            "https://example.org/\r\nX: y",
            "gopher://127.0.0.1:6379/_FLUSHALL",
        ] {
            let result = Target::parse(&request("GET", given));
            assert_eq!(result.map(|it| url(&it)), Err(HttpError::Url), "{given:?}");
        }
        let long = format!("https://example.org/{}", "a".repeat(URL_BYTES_MAX));
        assert_eq!(Target::parse(&request("GET", &long)).unwrap_err(), HttpError::Url);
    }

    #[test]
    fn ports_of_other_protocols_are_refused() {
        for port in [1, 22, 25, 53, 81, 465, 587, 1023] {
            let given = format!("https://example.org:{port}/");
            assert_eq!(Target::parse(&request("GET", &given)).unwrap_err(), HttpError::Destination, "{port}");
        }
    }

    #[test]
    fn methods_that_are_not_offered_are_refused() {
        for method in ["CONNECT", "TRACE", "get", "", "GET /", "PROPFIND"] {
            let result = Target::parse(&request(method, "https://example.org"));
            assert_eq!(result.unwrap_err(), HttpError::Method, "{method:?}");
        }
    }

    #[test]
    fn headers_that_frame_or_route_a_message_are_the_clients_own() {
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "Connection",
            "Upgrade",
            "TE",
            "Expect",
            "",
            "a b",
        ] {
            let mut request = request("GET", "https://example.org");
            request.headers = vec![(name.into(), "x".into())];
            assert_eq!(Target::parse(&request).unwrap_err(), HttpError::HeaderName, "{name:?}");
        }
        let mut request = request("GET", "https://example.org");
        request.headers = vec![("x".into(), "a\r\nHost: b".into())];
        assert_eq!(Target::parse(&request).unwrap_err(), HttpError::HeaderValue);
    }

    fn redirect(target: Target, status: u16, location: &str) -> Result<Option<Target>, HttpError> {
        Ok(match target.redirected(status, Some(location))? {
            Next::Done => None,
            Next::Redirect(next) => Some(*next),
        })
    }

    #[test]
    fn redirects_are_resolved_against_where_they_come_from() {
        for (location, expected) in [
            ("https://other.example/x", "https://other.example/x"),
            ("//other.example/x", "https://other.example/x"),
            ("/x?y", "https://example.org/x?y"),
            ("x", "https://example.org/a/x"),
            ("?z", "https://example.org/a/b?z"),
        ] {
            let next = redirect(parsed("GET", "https://example.org/a/b?c"), 302, location).unwrap().unwrap();
            assert_eq!(url(&next), expected);
        }
        assert!(redirect(parsed("GET", "https://example.org/"), 200, "/x").unwrap().is_none());
        assert!(redirect(parsed("GET", "https://example.org/"), 304, "/x").unwrap().is_none());
        assert!(matches!(parsed("GET", "https://example.org/").redirected(302, None), Ok(Next::Done)));
    }

    #[test]
    fn a_redirect_elsewhere_takes_no_credentials_along() {
        let next =
            redirect(parsed("GET", "https://example.org/"), 302, "https://other.example/").unwrap().unwrap();
        assert!(next.headers.get("x-api-key").is_none());
        assert_eq!(next.headers[header::ACCEPT], "application/json");
        let same = redirect(parsed("GET", "https://example.org/"), 302, "/x").unwrap().unwrap();
        assert_eq!(same.headers["x-api-key"], "secret");
    }

    #[test]
    fn a_redirect_never_gives_up_tls_nor_carries_a_body_elsewhere() {
        let first = || parsed("GET", "https://example.org/");
        assert_eq!(redirect(first(), 302, "http://example.org/").unwrap_err(), HttpError::Redirects);
        let posted = || parsed("POST", "https://example.org/");
        assert_eq!(redirect(posted(), 307, "https://other.example/").unwrap_err(), HttpError::Redirects);
        assert_eq!(redirect(posted(), 307, "/x").unwrap().unwrap().body, b"{}");
        assert_eq!(redirect(first(), 302, "file:///etc/passwd").unwrap_err(), HttpError::Redirects);
    }

    #[test]
    fn a_post_that_is_answered_elsewhere_becomes_a_get() {
        for status in [301, 302, 303] {
            let next =
                redirect(parsed("POST", "https://example.org/"), status, "https://b.example/").unwrap();
            let next = next.unwrap();
            assert_eq!((next.method, next.body), (Method::GET, vec![]));
        }
        let next = redirect(parsed("POST", "https://example.org/"), 308, "/x").unwrap().unwrap();
        assert_eq!(next.method, Method::POST);
    }
}
