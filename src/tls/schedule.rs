//! Key schedules: HKDF-Expand-Label of TLS 1.3 (RFC 8446 section 7.1) and the PRFs before it (RFC 5246 section 5, RFC 2246
//! section 5).

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use zeroize::Zeroizing;

use super::suites::Hash;

/// HKDF-Expand-Label with an empty context; `out` is at most 255 bytes long.
pub(super) fn expand_label(hash: Hash, secret: &[u8], label: &str, out: &mut [u8]) {
    let label_bytes = label.as_bytes();
    let length = out.len() as u16;
    let mut info = Vec::with_capacity(label_bytes.len() + 10);
    info.extend_from_slice(&length.to_be_bytes());
    info.push(6 + label_bytes.len() as u8);
    info.extend_from_slice(b"tls13 ");
    info.extend_from_slice(label_bytes);
    info.push(0);
    // Both fail only for lengths that TLS does not know: the output then stays zero, and opens nothing.
    let done = match hash {
        Hash::Sha256 => Hkdf::<Sha256>::from_prk(secret).is_ok_and(|h| h.expand(&info, out).is_ok()),
        Hash::Sha384 => Hkdf::<Sha384>::from_prk(secret).is_ok_and(|h| h.expand(&info, out).is_ok()),
    };
    if !done {
        out.fill(0);
    }
}

/// The versions before TLS 1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prf {
    /// TLS 1.0 and 1.1: MD5 and SHA-1 together.
    Md5Sha1,
    /// TLS 1.2: the suite's hash.
    Sha2(Hash),
}

/// `PRF(secret, label, seed)`, the seed in two parts.
pub(super) fn prf(prf: Prf, secret: &[u8], label: &str, seed: [&[u8]; 2], out: &mut [u8]) {
    let seed = [label.as_bytes(), seed[0], seed[1]].concat();
    match prf {
        Prf::Sha2(Hash::Sha256) => p_hash::<Hmac<Sha256>>(secret, &seed, out),
        Prf::Sha2(Hash::Sha384) => p_hash::<Hmac<Sha384>>(secret, &seed, out),
        Prf::Md5Sha1 => {
            let half = secret.len().div_ceil(2);
            p_hash::<Hmac<Md5>>(&secret[..half], &seed, out);
            let mut second = Zeroizing::new(vec![0; out.len()]);
            p_hash::<Hmac<Sha1>>(&secret[secret.len() - half..], &seed, &mut second);
            out.iter_mut().zip(second.iter()).for_each(|(a, b)| *a ^= b);
        }
    }
}

fn p_hash<M: hmac::Mac + KeyInit>(secret: &[u8], seed: &[u8], out: &mut [u8]) {
    let mac = |parts: [&[u8]; 2]| {
        let mac = <M as KeyInit>::new_from_slice(secret).ok()?;
        Some(Zeroizing::new(mac.chain_update(parts[0]).chain_update(parts[1]).finalize().into_bytes().to_vec()))
    };
    let Some(mut a) = mac([seed, &[]]) else { return };
    for piece in out.chunks_mut(a.len()) {
        let Some(block) = mac([&a, seed]) else { return };
        piece.copy_from_slice(&block[..piece.len()]);
        let Some(next) = mac([&a, &[]]) else { return };
        a = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// RFC 8448 section 3: the server's handshake traffic secret and its keys.
    #[test]
    fn hkdf_of_rfc_8448() {
        let secret =
            hex("b6 7b 7d 69 0c c1 6c 4e 75 e5 42 13 cb 2d 37 b4 e9 c9 12 bc de d9 10 5d 42 be fd 59 d3 91 ad 38");
        let (mut key, mut iv) = ([0; 16], [0; 12]);
        expand_label(Hash::Sha256, &secret, "key", &mut key);
        expand_label(Hash::Sha256, &secret, "iv", &mut iv);
        assert_eq!(key[..], hex("3f ce 51 60 09 c2 17 27 d0 f2 e4 e8 6e e4 03 bc"));
        assert_eq!(iv[..], hex("5d 31 3e b2 67 12 76 ee 13 00 0b 30"));
    }

    /// The test vectors that circulate for the PRF of TLS 1.2 with SHA-256 (from the IETF's TLS mailing list, 2009).
    #[test]
    fn prf_of_tls_1_2() {
        let secret = hex("9b be 43 6b a9 40 f0 17 b1 76 52 84 9a 71 db 35");
        let seed = hex("a0 ba 9f 93 6c da 31 18 27 a6 f7 96 ff d5 19 8c");
        let mut out = [0; 100];
        prf(Prf::Sha2(Hash::Sha256), &secret, "test label", [&seed, &[]], &mut out);
        let expected =
            hex("e3 f2 29 ba 72 7b e1 7b 8d 12 26 20 55 7c d4 53 c2 aa b2 1d 07 c3 d4 95 32 9b 52 d4 e6 1e db 5a
             6b 30 17 91 e9 0d 35 c9 c9 a4 6b 4e 14 ba f9 af 0f a0 22 f7 07 7d ef 17 ab fd 37 97 c0 56 4b ab
             4f bc 91 66 6e 9d ef 9b 97 fc e3 4f 79 67 89 ba a4 80 82 d1 22 ee 42 c5 a7 2e 5a 51 10 ff f7 01
             87 34 7b 66");
        assert_eq!(out[..], expected);
    }
}
