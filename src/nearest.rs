//! The known word that somebody most likely meant.

/// The one of `known` that is nearest to `asked`, unless all are too far to be meant.
#[must_use]
pub fn nearest<'a>(asked: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (far, word) = known.into_iter().map(|word| (distance(asked, word), word)).min()?;
    (far <= asked.chars().count().max(word.chars().count()) / 2).then_some(word)
}

/// Letters to insert, delete or replace on the way from `a` to `b` (Levenshtein).
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let above = *cell;
            left = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            *cell = left;
            diagonal = above;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest("mesage", ["frame", "message"]), Some("message"));
        assert_eq!(nearest("something", ["frame", "id"]), None);
    }
}
