//! Whether a decoded text reads like one: the gate behind the encoding detector.

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS};

use super::charset::Fit;

/// How well `decoded`, `bytes` in that encoding, reads; `None` when it does not.
pub(super) fn fit(encoding: &'static Encoding, bytes: &[u8], decoded: &str) -> Option<Fit> {
    let foreign = decoded.chars().filter(|c| !c.is_ascii()).count();
    let readable = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{AD}') || super::excerpt::is_shown(c);
    if foreign == 0 || !decoded.chars().all(readable) {
        return None;
    }
    if encoding.is_single_byte() { alphabetic(decoded, foreign) } else { east_asian(encoding, bytes, decoded, foreign) }
}

fn alphabetic(decoded: &str, foreign: usize) -> Option<Fit> {
    let letters =
        decoded.chars().filter(|c| !c.is_ascii() && c.is_alphabetic() && !matches!(c, 'ª' | 'º' | 'ƒ' | 'µ')).count();
    let signs = decoded.chars().filter(|c| is_common_sign(*c)).count();
    let odd = foreign.saturating_sub(letters + signs);
    let ordinary = decoded.chars().filter(|c| c.is_ascii_alphanumeric() || *c == ' ').count();
    if odd * 10 > foreign || signs > letters.max(1) + ordinary / 4 {
        return None;
    }
    let (mut words, mut bad, mut single) = (0usize, 0usize, 0usize);
    let mut at = 0;
    for part in decoded.split_inclusive(|c: char| !c.is_alphabetic() && !is_mark(c)) {
        let word = part.trim_end_matches(|c: char| !c.is_alphabetic() && !is_mark(c));
        if !word.is_ascii() {
            words += 1;
            bad += usize::from(!is_word(word));
            single += usize::from(word.chars().count() == 1 && !stands_free(decoded, at, word));
        }
        at += part.len();
    }
    // What is neither letter nor digit nor space nor the punctuation of text and JSON.
    let rare = decoded.chars().filter(|c| c.is_ascii_punctuation() && !"\"'{}[]<>,.:;!?-_()/=&".contains(*c)).count();
    if bad * 8 > words || rare * 6 > decoded.chars().count() || (single * 2 > words && words > 1) {
        return None;
    }
    // A lone letter between signs is what random bytes look like.
    if words > 0 && single == words && ordinary < 6 {
        return None;
    }
    let total = decoded.chars().count();
    if (ordinary + letters) * 2 < total && total < 24 && ordinary + letters < 5 {
        return None;
    }
    Some(if total >= 12 && (letters >= 3 || (letters >= 1 && ordinary >= 12)) { Fit::Strong } else { Fit::Fair })
}

/// Whether the word at that place has white space or the text's ends on both sides, as "à" and "и" have.
fn stands_free(text: &str, at: usize, word: &str) -> bool {
    let before = text.get(..at).and_then(|t| t.chars().next_back());
    let after = text.get(at + word.len()..).and_then(|t| t.chars().next());
    before.is_none_or(char::is_whitespace) && after.is_none_or(|c| c.is_whitespace() || ",.!?".contains(c))
}

/// Letters of one script, and capitals only at the start or throughout.
fn is_word(word: &str) -> bool {
    let latin = |c: char| u32::from(c) < 0x250;
    let letters: Vec<char> = word.chars().filter(|c| c.is_alphabetic()).collect();
    if letters.iter().any(|c| latin(*c)) && letters.iter().any(|c| !latin(*c)) {
        return false;
    }
    let capitals = letters.iter().skip(1).filter(|c| c.is_uppercase()).count();
    let small = letters.iter().skip(1).filter(|c| c.is_lowercase()).count();
    let first_small = letters.first().is_some_and(|c| c.is_lowercase());
    (capitals == 0 || (small == 0 && !first_small)) && letters.len() <= 40
}

/// Hebrew points and Vietnamese tone marks stand inside words.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036F | 0x0591..=0x05C7 | 0x064B..=0x0652 | 0x0E31..=0x0E4E)
}

fn is_common_sign(c: char) -> bool {
    matches!(
        c,
        '€' | '£'
            | '¥'
            | '§'
            | '©'
            | '®'
            | '°'
            | '«'
            | '»'
            | '±'
            | '²'
            | '³'
            | 'µ'
            | '·'
            | '¿'
            | '¡'
            | '½'
            | '¼'
            | '×'
            | 'º'
            | 'ª'
            | '…'
            | '‘'
            | '’'
            | '‚'
            | '“'
            | '”'
            | '„'
            | '•'
            | '–'
            | '—'
            | '™'
            | '№'
            | '\u{A0}'
    ) || is_mark(c)
}

fn east_asian(encoding: &'static Encoding, bytes: &[u8], decoded: &str, foreign: usize) -> Option<Fit> {
    let mut count = Pairs::default();
    let mut at = 0;
    while at < bytes.len() {
        let pair = [bytes[at], bytes.get(at + 1).copied().unwrap_or_default()];
        at += if encoding == SHIFT_JIS { count.shift_jis(pair) } else { count.extended_unix(encoding, pair) };
    }
    let all = count.common + count.rare;
    // Common characters are 95 of 100 in real text, names included; random pairs hit them once in three times.
    if count.common == 0 || count.rare * 8 > all {
        return None;
    }
    let punctuation =
        decoded.chars().filter(|c| c.is_ascii_punctuation() && !"\"'{}[]<>,.:;!?-_()/=&".contains(*c)).count();
    if punctuation * 5 > decoded.chars().count() || single_letters(decoded) > count.common / 2 {
        return None;
    }
    Some(match (count.common, foreign) {
        (4.., _) => Fit::Strong,
        (2.., 2..) => Fit::Fair,
        _ => return None,
    })
}

/// Whether EUC-JP text holds kana.
pub(super) fn has_kana(bytes: &[u8]) -> bool {
    pairs(bytes).any(|[lead, _]| matches!(lead, 0xa4 | 0xa5))
}

/// Whether at least one of six characters of EUC-KR text is among the commonest syllables of Korean.
pub(super) fn has_common_hangul(bytes: &[u8]) -> bool {
    let (mut common, mut all) = (0, 0);
    for pair in pairs(bytes) {
        all += 1;
        let (decoded, _) = EUC_KR.decode_without_bom_handling(&pair);
        common += usize::from(decoded.chars().all(|c| COMMON_HANGUL.contains(c)));
    }
    common * 6 >= all && common > 0
}

/// The commonest syllables of Korean prose and messages; together about half of all running text.
const COMMON_HANGUL: &str = "이다는의에을를가고하기한지사어나서로자아시대도인리정스해수일그라부전여은장원주제보상구동게요세니습과들안만연우조선오신유성소실거중물공내있없것문말면할합입회화영학생개명마트모든음위적계";

/// The pairs of bytes from A1 to FE.
fn pairs(bytes: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while bytes.get(at)? < &0xa1 {
            at += 1;
        }
        let pair = [bytes[at], *bytes.get(at + 1)?];
        at += 2;
        Some(pair)
    })
}

/// ASCII letters or signs that stand alone between East Asian characters: half of a misread pair.
fn single_letters(decoded: &str) -> usize {
    let chars: Vec<char> = decoded.chars().collect();
    let alone = |w: &[char]| {
        !w[0].is_ascii() && w[1].is_ascii_graphic() && !"\"',.:;!?-/0123456789".contains(w[1]) && !w[2].is_ascii()
    };
    chars.windows(3).filter(|w| alone(w)).count()
}

/// Characters of East Asian text, by how usual they are.
#[derive(Default)]
struct Pairs {
    common: usize,
    rare: usize,
}

impl Pairs {
    fn tell(&mut self, common: bool, neutral: bool) {
        if neutral {
            return;
        }
        if common { self.common += 1 } else { self.rare += 1 }
    }

    /// Bytes consumed. Common: kana, and the kanji of JIS level 1.
    fn shift_jis(&mut self, [lead, trail]: [u8; 2]) -> usize {
        match lead {
            0x00..=0x7f => 1,
            // Half-width katakana come in runs; alone they are rare.
            0xa1..=0xdf => {
                self.tell((0xa1..=0xdf).contains(&trail), false);
                1
            }
            _ => {
                let kana = (lead == 0x82 && trail >= 0x9f) || (lead == 0x83 && (0x40..=0x96).contains(&trail));
                let kanji =
                    matches!(lead, 0x89..=0x97) || (lead == 0x88 && trail >= 0x9f) || (lead == 0x98 && trail <= 0x72);
                let neutral = lead == 0x81 || (lead == 0x82 && trail < 0x9f);
                self.tell(kana || kanji, neutral);
                2
            }
        }
    }

    /// Bytes consumed. Common: level 1 of each character set, kana and Hangul syllables.
    fn extended_unix(&mut self, encoding: &'static Encoding, [lead, trail]: [u8; 2]) -> usize {
        if lead < 0x80 {
            return 1;
        }
        let common = if encoding == GBK || encoding == GB18030 {
            (0xb0..=0xd7).contains(&lead) && trail >= 0xa1
        } else if encoding == EUC_KR {
            (0xb0..=0xc8).contains(&lead) && trail >= 0xa1
        } else if encoding == EUC_JP {
            matches!(lead, 0xa4 | 0xa5 | 0xb0..=0xcf)
        } else if encoding == BIG5 {
            (0xa4..=0xc6).contains(&lead)
        } else {
            false
        };
        // Punctuation and full-width forms.
        let neutral = matches!(lead, 0xa1..=0xa3) && (trail >= 0xa1 || encoding == BIG5);
        self.tell(common, neutral);
        2
    }
}
