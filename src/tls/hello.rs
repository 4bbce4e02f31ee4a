//! The messages of the handshake that tell how a connection is protected (RFC 8446 section 4, RFC 5246 section 7.4).

/// Handshake types.
pub(super) mod message {
    pub(crate) const CLIENT_HELLO: u8 = 1;
    pub(crate) const SERVER_HELLO: u8 = 2;
    pub(crate) const END_OF_EARLY_DATA: u8 = 5;
    pub(crate) const ENCRYPTED_EXTENSIONS: u8 = 8;
    pub(crate) const FINISHED: u8 = 20;
    pub(crate) const KEY_UPDATE: u8 = 24;
}

mod extension {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const ALPN: u16 = 16;
    pub(super) const ENCRYPT_THEN_MAC: u16 = 22;
    pub(super) const EXTENDED_MASTER_SECRET: u16 = 23;
    pub(super) const PRE_SHARED_KEY: u16 = 41;
    pub(super) const EARLY_DATA: u16 = 42;
    pub(super) const SUPPORTED_VERSIONS: u16 = 43;
}

/// The random of a ServerHello that is a HelloRetryRequest (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Reads fields of a message one after another.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().fold(0, |n, b| n << 8 | usize::from(*b)))
    }

    /// A vector whose length stands in so many bytes before it.
    fn vector(&mut self, bytes: usize) -> Option<Fields<'a>> {
        let length = self.number(bytes)?;
        self.take(length).map(Fields)
    }

    fn random(&mut self) -> Option<[u8; 32]> {
        self.take(32)?.try_into().ok()
    }

    /// Number and body of the next extension.
    fn extension(&mut self) -> Option<(u16, Fields<'a>)> {
        let number = self.number(2)? as u16;
        Some((number, self.vector(2)?))
    }
}

/// What a client asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ClientHello {
    pub(super) random: [u8; 32],
    /// The name of the server (RFC 6066 section 3).
    pub(super) server_name: Option<String>,
    /// Application protocols it offers (RFC 7301).
    pub(super) alpn: Vec<String>,
    pub(super) early_data: bool,
}

impl ClientHello {
    /// Reads the body of a ClientHello; what is cut or odd behind its random is left out.
    pub(super) fn read(body: &[u8]) -> Option<ClientHello> {
        let mut fields = Fields(body);
        fields.take(2)?;
        let mut hello = ClientHello { random: fields.random()?, ..ClientHello::default() };
        let mut rest = || {
            fields.vector(1)?;
            fields.vector(2)?;
            fields.vector(1)?;
            fields.vector(2)
        };
        let Some(mut extensions) = rest() else { return Some(hello) };
        while let Some((number, body)) = extensions.extension() {
            match number {
                extension::SERVER_NAME => hello.server_name = server_name(body),
                extension::ALPN => hello.alpn = protocols(body),
                extension::EARLY_DATA => hello.early_data = true,
                _ => {}
            }
        }
        Some(hello)
    }
}

/// What the server chose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ServerHello {
    pub(super) random: [u8; 32],
    pub(super) session_id: Vec<u8>,
    /// 0x0301 to 0x0304.
    pub(super) version: u16,
    pub(super) suite: u16,
    pub(super) encrypt_then_mac: bool,
    pub(super) extended_master_secret: bool,
    pub(super) alpn: Option<String>,
    /// It resumes a session.
    pub(super) resumes: bool,
    /// It asks for another ClientHello.
    pub(super) retry: bool,
}

impl ServerHello {
    /// Reads the body of a ServerHello or HelloRetryRequest.
    pub(super) fn read(body: &[u8]) -> Option<ServerHello> {
        let mut fields = Fields(body);
        let version = fields.number(2)? as u16;
        let random = fields.random()?;
        let session_id = fields.vector(1)?.0.to_vec();
        let suite = fields.number(2)? as u16;
        fields.take(1)?;
        let mut hello =
            ServerHello { random, session_id, version, suite, retry: random == RETRY, ..Default::default() };
        let Some(mut extensions) = fields.vector(2) else { return Some(hello) };
        while let Some((number, mut body)) = extensions.extension() {
            match number {
                extension::SUPPORTED_VERSIONS => hello.version = body.number(2).unwrap_or(0) as u16,
                extension::ENCRYPT_THEN_MAC => hello.encrypt_then_mac = true,
                extension::PRE_SHARED_KEY => hello.resumes = true,
                extension::EXTENDED_MASTER_SECRET => hello.extended_master_secret = true,
                extension::ALPN => hello.alpn = protocols(body).pop(),
                _ => {}
            }
        }
        Some(hello)
    }
}

/// What a server adds once it is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct EncryptedExtensions {
    pub(super) alpn: Option<String>,
    /// It reads the early data.
    pub(super) early_data: bool,
}

impl EncryptedExtensions {
    /// Reads the body of EncryptedExtensions.
    pub(super) fn read(body: &[u8]) -> Option<EncryptedExtensions> {
        let mut extensions = Fields(body).vector(2)?;
        let mut read = EncryptedExtensions::default();
        while let Some((number, body)) = extensions.extension() {
            match number {
                extension::ALPN => read.alpn = protocols(body).pop(),
                extension::EARLY_DATA => read.early_data = true,
                _ => {}
            }
        }
        Some(read)
    }
}

fn server_name(mut body: Fields<'_>) -> Option<String> {
    let mut names = body.vector(2)?;
    (names.number(1)? == 0).then_some(())?;
    text(names.vector(2)?.0)
}

fn protocols(mut body: Fields<'_>) -> Vec<String> {
    let mut all = Vec::new();
    let Some(mut list) = body.vector(2) else { return all };
    while let Some(name) = list.vector(1) {
        all.extend(text(name.0));
        if all.len() == 16 {
            break;
        }
    }
    all
}

/// A name that can be shown.
fn text(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic)).then(|| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_hello_keeps_its_random() {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.push(32);
        let hello = ClientHello::read(&body).unwrap();
        assert_eq!(hello.random, [7; 32]);
        assert_eq!(hello.server_name, None);
        assert_eq!(ClientHello::read(&body[..20]), None);
    }
}
