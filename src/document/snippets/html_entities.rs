//! Decodes the entities of HTML that shell code in documentation contains.

/// The most bytes of an entity, with its `&` and `;`.
const MAX_ENTITY_BYTES: usize = 12;

/// Names of entities, and their characters.
const ENTITIES: [(&str, char); 35] = [
    ("lt", '<'),
    ("gt", '>'),
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("rcub", '}'),
    ("rbrace", '}'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("lpar", '('),
    ("rpar", ')'),
    ("dollar", '$'),
    ("bsol", '\\'),
    ("sol", '/'),
    ("equals", '='),
    ("num", '#'),
    ("lowbar", '_'),
    ("ast", '*'),
    ("grave", '`'),
    ("colon", ':'),
    ("semi", ';'),
    ("period", '.'),
    ("comma", ','),
    ("excl", '!'),
    ("percnt", '%'),
    ("commat", '@'),
    ("verbar", '|'),
    ("hellip", '…'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
];

/// Decodes the entity at the start of a text. Returns its length and its character, or `None` if
/// the text does not start with an entity.
pub(super) fn decode_entity(text: &str) -> Option<(usize, char)> {
    let body = text.strip_prefix('&')?;
    let end = body
        .bytes()
        .take(MAX_ENTITY_BYTES)
        .position(|byte| byte == b';')?;
    let name = body.get(..end)?;
    let c = match name.strip_prefix('#') {
        Some(number) => decode_number(number)?,
        None => ENTITIES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((end + 2, c))
}

/// Decodes a character's number, for example `39` or `x27`.
fn decode_number(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    // A no-break space separates words for a reader, but not for a shell.
    let c = char::from_u32(code).filter(|&c| c != '\0')?;
    Some(if c == '\u{a0}' { ' ' } else { c })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_decoded() {
        for (text, expected) in [
            ("&lt;NAME>", Some((4, '<'))),
            ("&quot;", Some((6, '"'))),
            ("&#39;x", Some((5, '\''))),
            ("&#x27;", Some((6, '\''))),
            ("&#x20;a", Some((6, ' '))),
            ("&nbsp;", Some((6, ' '))),
            ("&#160;", Some((6, ' '))),
            ("&lcub;", Some((6, '{'))),
            ("&#x1F600;", Some((9, '😀'))),
            ("& a;", None),
            ("&&b", None),
            ("&unknown;", None),
            ("&#xD800;", None),
            ("&#0;", None),
            ("&lt", None),
            ("a", None),
            ("", None),
        ] {
            assert_eq!(decode_entity(text), expected, "{text}");
        }
    }
}
