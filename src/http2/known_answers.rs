//! The examples of RFC 7541 appendix C.

use super::fields::FieldDecoder;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// One connection's blocks, each with fields that it holds and the number of all.
type Example<'a> = [(&'a str, usize, &'a [(&'a str, &'a str)])];

fn check(table: Option<u32>, blocks: &Example<'_>) {
    let mut decoder = FieldDecoder::default();
    if let Some(bytes) = table {
        decoder.allow(bytes);
    }
    for (block, count, expected) in blocks {
        let fields = decoder.decode(&hex(block)).expect("a block of the RFC");
        for (name, value) in *expected {
            assert_eq!(fields.get(name), Some(*value), "{block}");
        }
        assert_eq!(fields.count(), *count, "{block}");
    }
}

const DATES: [&str; 2] = ["Mon, 21 Oct 2013 20:13:21 GMT", "Mon, 21 Oct 2013 20:13:22 GMT"];
const COOKIE: &str = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

#[test]
fn requests_without_huffman_coding_c_3() {
    let host = (":authority", "www.example.com");
    check(
        None,
        &[
            ("828684 410f7777772e6578616d706c652e636f6d", 4, &[(":method", "GET"), (":path", "/"), host]),
            ("828684 be 58086e6f2d6361636865", 5, &[host, ("cache-control", "no-cache")]),
            (
                "828785 bf 400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
                5,
                &[(":scheme", "https"), (":path", "/index.html"), host, ("custom-key", "custom-value")],
            ),
        ],
    );
}

/// The table has 256 bytes: entries are evicted.
#[test]
fn responses_without_huffman_coding_c_5() {
    let location = ("location", "https://www.example.com");
    check(
        Some(256),
        &[
            (
                "4803333032 580770726976617465 611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54
                 6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
                4,
                &[(":status", "302"), ("cache-control", "private"), ("date", DATES[0]), location],
            ),
            (
                "4803333037 c1 c0 bf",
                4,
                &[(":status", "307"), ("cache-control", "private"), ("date", DATES[0]), location],
            ),
            (
                "88 c1 611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54 c0 5a04677a6970
                 7738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b
                 2076657273696f6e3d31",
                6,
                &[
                    (":status", "200"),
                    ("date", DATES[1]),
                    location,
                    ("content-encoding", "gzip"),
                    ("set-cookie", COOKIE),
                ],
            ),
        ],
    );
}

#[test]
fn responses_with_huffman_coding_c_6() {
    let location = ("location", "https://www.example.com");
    check(
        Some(256),
        &[
            (
                "48826402 5885aec3771a4b 6196d07abe941054d444a8200595040b8166e082a62d1bff
                 6e919d29ad171863c78f0b97c8e9ae82ae43d3",
                4,
                &[(":status", "302"), ("cache-control", "private"), ("date", DATES[0]), location],
            ),
            (
                "4883640eff c1 c0 bf",
                4,
                &[(":status", "307"), ("cache-control", "private"), ("date", DATES[0]), location],
            ),
            (
                "88 c1 6196d07abe941054d444a8200595040b8166e084a62d1bff c0 5a839bd9ab
                 77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
                6,
                &[
                    (":status", "200"),
                    ("date", DATES[1]),
                    location,
                    ("content-encoding", "gzip"),
                    ("set-cookie", COOKIE),
                ],
            ),
        ],
    );
}
