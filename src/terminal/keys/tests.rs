use crossterm::event::KeyEventKind;
use proptest::prelude::*;

use super::*;

fn keys(bytes: &[u8]) -> Vec<Event> {
    let mut parser = Parser::default();
    let mut events = parser.feed(bytes);
    events.extend(parser.silence());
    events
}

fn key(code: KeyCode) -> Event {
    Event::Key(code.into())
}

fn with(modifiers: KeyModifiers, code: KeyCode) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

fn letter(letter: char) -> Event {
    key(KeyCode::Char(letter))
}

#[test]
fn what_is_typed_is_what_arrives() {
    let control = |letter| with(KeyModifiers::CONTROL, KeyCode::Char(letter));
    assert_eq!(keys(b"jk"), [letter('j'), letter('k')]);
    assert_eq!(keys(b"W"), [with(KeyModifiers::SHIFT, KeyCode::Char('W'))]);
    assert_eq!(keys("ü€😀".as_bytes()), [letter('ü'), letter('€'), letter('😀')]);
    assert_eq!(keys(b"\r\t\x7f"), [KeyCode::Enter, KeyCode::Tab, KeyCode::Backspace].map(key));
    assert_eq!(keys(b"\x03\x1a\n\0"), ['c', 'z', 'j', ' '].map(control));
    assert_eq!(keys(b"\x1c"), [control('4')]);
}

#[test]
fn the_dialects_of_terminals_are_understood() {
    use KeyCode::*;
    for (bytes, code) in [
        ("\x1b[A", Up),
        ("\x1bOA", Up),
        ("\x1b[D", Left),
        ("\x1b[H", Home),
        ("\x1b[1~", Home),
        ("\x1b[7~", Home),
        ("\x1bOF", End),
        ("\x1b[4~", End),
        ("\x1b[3~", Delete),
        ("\x1b[5~", PageUp),
        ("\x1b[6~", PageDown),
        ("\x1bOP", F(1)),
        ("\x1b[[A", F(1)),
        ("\x1b[11~", F(1)),
        ("\x1b[15~", F(5)),
        ("\x1b[17~", F(6)),
        ("\x1b[24~", F(12)),
        ("\x1b[34~", F(20)),
        ("\x1b[13u", Enter),
        ("\x1b[27u", Esc),
        ("\x1bOM", Enter),
    ] {
        assert_eq!(keys(bytes.as_bytes()), [key(code)], "{bytes:?}");
    }
}

#[test]
fn modifiers_are_understood() {
    use KeyCode::*;
    let control = KeyModifiers::CONTROL;
    let alt = KeyModifiers::ALT;
    let shift = KeyModifiers::SHIFT;
    assert_eq!(keys(b"\x1b[1;5A"), [with(control, Up)]);
    assert_eq!(keys(b"\x1b[5;3~"), [with(alt, PageUp)]);
    assert_eq!(keys(b"\x1b[1;2P"), [with(shift, F(1))]);
    assert_eq!(keys(b"\x1b[Z"), [with(shift, BackTab)]);
    assert_eq!(keys(b"\x1bx"), [with(alt, Char('x'))]);
    assert_eq!(keys(b"\x1b\x7f"), [with(alt, Backspace)]);
    assert_eq!(keys("\x1bä".as_bytes()), [with(alt, Char('ä'))]);
    assert_eq!(keys(b"\x1b[97;5u"), [with(control, Char('a'))]);
    assert_eq!(keys(b"\x1b[119;2u"), [with(shift, Char('W'))]);
    assert_eq!(keys(b"\x1b[27;5;13~"), [with(control, Enter)]);
}

#[test]
fn a_lone_escape_is_a_key_only_after_silence() {
    let mut parser = Parser::default();
    assert_eq!(parser.feed(b"\x1b"), []);
    assert!(parser.is_waiting());
    assert_eq!(parser.feed(b"[A"), [key(KeyCode::Up)]);
    assert!(!parser.is_waiting());
    assert_eq!(parser.feed(b"\x1b"), []);
    assert_eq!(parser.silence(), [key(KeyCode::Esc)]);
    assert_eq!(parser.silence(), []);
    assert_eq!(keys(b"\x1b\x1b"), [KeyCode::Esc, KeyCode::Esc].map(key));
    assert_eq!(keys(b"\x1b\x1b[A"), [KeyCode::Esc, KeyCode::Up].map(key));
    assert_eq!(keys(b"\x1b["), [with(KeyModifiers::ALT, KeyCode::Char('['))]);
    assert_eq!(keys(b"\x1bO"), [with(KeyModifiers::ALT | KeyModifiers::SHIFT, KeyCode::Char('O'))]);
}

#[test]
fn releases_are_dropped_and_only_movement_repeats() {
    assert_eq!(keys(b"\x1b[121;1:3u\x1b[121;1:2u\x1b[1;1:3A"), []);
    let again = KeyEvent::new_with_kind(KeyCode::Up, KeyModifiers::NONE, KeyEventKind::Repeat);
    assert_eq!(keys(b"\x1b[1;1:2A"), [Event::Key(again)]);
}

#[test]
fn no_tail_of_an_unknown_sequence_becomes_a_key() {
    for unknown in [
        "\x1b[?62;22c",
        "\x1b[>1;10;0c",
        "\x1b[24;80R",
        "\x1b[0;0R",
        "\x1b[<0;10;10M",
        "\x1b[M !!",
        "\x1b[I",
        "\x1b[O",
        "\x1b[99~",
        "\x1b[99999999999999999999~",
        "\x1b[;;;;u",
        "\x1b[4294967295;4294967295:9u",
        "\x1b]11;rgb:0000/0000/0000\x07",
        "\x1b]11;rgb:0000/0000/0000\x1b\\",
        "\x1bP>|term 1.0\x1b\\",
        "\x1b[12;",
        "\x1b]0;yyyy",
    ] {
        assert_eq!(keys(unknown.as_bytes()), [], "{unknown:?}");
    }
    assert_eq!(keys(b"\x1b[?62cj"), [letter('j')]);
    assert_eq!(keys(b"\xff\xc3(j"), [letter('('), letter('j')]);
}

#[test]
fn a_paste_is_one_event_however_it_is_torn() {
    let bytes = b"j\x1b[200~y\ra\xc3\xbc\x1b[A\x1b[201~k";
    let expected = [letter('j'), Event::Paste("y\raü\x1b[A".to_owned()), letter('k')];
    assert_eq!(keys(bytes), expected);
    let mut parser = Parser::default();
    let torn: Vec<Event> = bytes.iter().flat_map(|byte| parser.feed(&[*byte])).collect();
    assert_eq!(torn, expected);
}

#[test]
fn silence_does_not_end_a_paste() {
    let mut parser = Parser::default();
    assert_eq!(parser.feed(b"\x1b[200~y"), []);
    assert!(!parser.is_waiting());
    assert_eq!(parser.silence(), []);
    assert_eq!(parser.feed(b"y\x1b[201~"), [Event::Paste("yy".to_owned())]);
}

#[test]
fn a_huge_paste_is_cut_and_ends_all_the_same() {
    let mut parser = Parser::default();
    parser.feed(b"\x1b[200~");
    for _ in 0..300 {
        assert_eq!(parser.feed(&[b'x'; 4096]), []);
    }
    assert!(parser.pending.len() < 16);
    let events = parser.feed(b"\x1b[201~k");
    assert!(matches!(&events[0], Event::Paste(text) if text.len() == LONGEST_PASTE));
    assert_eq!(events[1], letter('k'));
}

proptest! {
    /// Reading a sequence in two pieces is reading it in one.
    #[test]
    fn tearing_changes_nothing(bytes in bytes(), at in any::<prop::sample::Index>()) {
        let mut whole = Parser::default();
        let mut torn = Parser::default();
        let at = at.index(bytes.len() + 1);
        let expected = whole.feed(&bytes);
        let mut events = torn.feed(&bytes[..at]);
        events.extend(torn.feed(&bytes[at..]));
        prop_assert_eq!(events, expected);
        prop_assert_eq!(&torn.pending, &whole.pending);
    }

    /// After silence nothing is left behind, whatever was read.
    #[test]
    fn every_rubbish_ends(bytes in bytes()) {
        let mut parser = Parser::default();
        parser.feed(&bytes);
        if parser.paste.is_some() {
            parser.feed(b"\x1b[201~");
        }
        parser.silence();
        prop_assert_eq!(parser.feed(b"j"), vec![letter('j')]);
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\x1b".to_vec()),
        Just(b"\x1b[".to_vec()),
        Just(b"\x1bO".to_vec()),
        Just(b"\x1b[200~".to_vec()),
        Just(b"\x1b[201~".to_vec()),
        Just(b"\x1b]".to_vec()),
        Just(b"M".to_vec()),
        "[0-9;:?~uARZ]{1,6}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}
