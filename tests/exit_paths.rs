//! The terminal is given back on every way out, and nothing is left spinning behind.
//!
//! Each test starts this test program again, in a pseudo-terminal, as a tiny program with a
//! screen, keys, signals and jobs, built from the same parts as the real one. See `role`.
#![cfg(unix)]
// A test may fail, and so may the tiny program that it starts.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod common;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::terminal::{End, Signal, Start, Terminal};

const ROLE: &str = "SCOPESYNC_TEST_ROLE";
const NOTES: &str = "SCOPESYNC_TEST_NOTES";

const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

/// The tiny program, in a test's shape because a test program has no other. Does nothing when
/// it is run as a test.
#[test]
fn role() {
    if std::env::var_os(ROLE).is_some() {
        std::process::exit(role::main());
    }
}

mod role {
    use std::convert::Infallible;
    use std::fmt::Write as _;
    use std::time::Duration;

    use crossterm::event::{KeyCode, KeyModifiers};
    use ratatui::style::{Color, Style};
    use ratatui::widgets::Paragraph;
    use scopesync::jobs::{Ended, Job, JobEvent, Jobs, Workers};
    use scopesync::terminal::{Error, Event, Events, Exit, Screen};

    use super::common::terminal::processor_time;

    /// Ways to end that are no key.
    enum End {
        Asked,
        Exit(Exit),
    }

    pub fn main() -> i32 {
        let workers = Workers::start().unwrap();
        let end = match workers.block_on(run(&workers)) {
            Err(error) if error.is_gone() => Ok(End::Exit(Exit::Gone)),
            end => end,
        };
        let code = match end {
            Ok(End::Asked) => 0,
            Ok(End::Exit(exit)) => {
                let used = processor_time("self").as_millis();
                note(&format!("left in order: {exit:?}, {used} ms of processor time"));
                exit.status().into()
            }
            Err(error) => {
                note(&format!("left with an error: {error}"));
                use std::io::Write;
                let _ = writeln!(std::io::stderr(), "error: {error}");
                1
            }
        };
        drop(workers);
        code
    }

    /// What the test reads after the terminal is gone.
    fn note(text: &str) {
        if let Some(path) = std::env::var_os(super::NOTES) {
            std::fs::write(path, text).unwrap();
        }
    }

    async fn run(workers: &Workers) -> Result<End, Error> {
        let mut screen = Screen::enter()?;
        // every way out has to give it back as well
        screen.use_mouse(true)?;
        let mut events = Events::listen()?;
        let mut jobs = Jobs::<String>::new(workers);
        let end = show(&mut screen, &mut events, &mut jobs).await;
        // As the real program does: what has to finish does so, with a terminal or without.
        jobs.stop_all();
        jobs.wait_all(Duration::from_secs(5)).await;
        end
    }

    /// What is typed up to Enter.
    async fn collect(events: &mut Events) -> String {
        let mut text = String::new();
        loop {
            let next = match events.ready() {
                Some(event) => event,
                None => events.next().await,
            };
            match next {
                Event::Key(key) => match key.code {
                    KeyCode::Char(letter) => text.push(letter),
                    KeyCode::Enter => return text,
                    code => panic!("nobody typed {code}"),
                },
                event => panic!("nobody did {event:?}"),
            }
        }
    }

    async fn show(screen: &mut Screen, events: &mut Events, jobs: &mut Jobs<String>) -> Result<End, Error> {
        let mut log = String::from("ready\n");
        let mut drawing = false;
        loop {
            screen.draw(|frame| {
                if log.contains("panic in drawing") {
                    panic!("boom in drawing");
                }
                let style = Style::new().fg(Color::Red).reversed();
                frame.render_widget(Paragraph::new(log.as_str()).style(style), frame.area());
            })?;
            let event = tokio::select! {
                biased;
                event = events.next() => event,
                event = jobs.next() => {
                    match event {
                        JobEvent::Finished(_, Ended::Failed { reason }) => {
                            let _ = writeln!(log, "failed: {reason}");
                        }
                        JobEvent::Finished(_, Ended::Done(text)) => log += &text,
                        JobEvent::Event(_, text) => log = text,
                    }
                    continue;
                }
                () = tokio::task::yield_now(), if drawing => {
                    log = format!("{}\n", log.len() + 1) + &log;
                    log.truncate(300);
                    continue;
                }
            };
            let key = match event {
                Event::Key(key) => key,
                Event::Exit(exit) => return Ok(End::Exit(exit)),
                Event::Resumed => {
                    screen.reenter()?;
                    continue;
                }
                Event::Paste(text) => {
                    let _ = match text.len() {
                        ..=100 => writeln!(log, "pasted {text:?}"),
                        _ => writeln!(log, "pasted {}", super::fingerprint(&text)),
                    };
                    continue;
                }
                Event::Mouse(_) => continue,
                Event::Resize(size) => {
                    let _ = writeln!(log, "size {}x{}", size.columns, size.rows);
                    continue;
                }
            };
            if key.modifiers == KeyModifiers::CONTROL {
                match key.code {
                    KeyCode::Char('z') => screen.suspend()?,
                    code => {
                        let _ = writeln!(log, "control {code}");
                    }
                }
                continue;
            }
            match key.code {
                KeyCode::Char('q') => {
                    screen.leave()?;
                    screen.leave()?;
                    return Ok(End::Asked);
                }
                KeyCode::Char('e') => {
                    return Err(Error::Io { doing: "test", source: std::io::Error::other("made for the test") });
                }
                KeyCode::Char('p') => panic!("boom in the loop"),
                KeyCode::Char('d') => log += "panic in drawing",
                KeyCode::Char('j') => {
                    jobs.spawn(Job::droppable("broken"), |_| async move {
                        if true {
                            panic!("boom in a job");
                        }
                        Ok::<_, Infallible>(String::new())
                    });
                }
                KeyCode::Char('b') => {
                    jobs.spawn(Job::droppable("broken"), |_| async move {
                        tokio::task::spawn_blocking(|| panic!("boom in blocking work"))
                            .await
                            .map_err(|error| error.to_string())
                    });
                }
                KeyCode::Char('w') => {
                    jobs.spawn(Job::must_finish("writing"), |control| async move {
                        control.soft().cancelled().await;
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        note("the job has finished");
                        Ok::<_, Infallible>(String::new())
                    });
                }
                KeyCode::Char('f') => drawing = true,
                KeyCode::Char('s') => {
                    for _ in 0..100 {
                        screen.draw(|frame| {
                            let style = Style::new().fg(Color::Red).reversed();
                            frame.render_widget(Paragraph::new(log.as_str()).style(style), frame.area());
                        })?;
                    }
                    log += ".";
                }
                KeyCode::Char('c') => {
                    let text = collect(events).await;
                    let _ = writeln!(log, "collected {}", super::fingerprint(&text));
                }
                KeyCode::Char('r') => screen.repaint()?,
                KeyCode::Char('x') => {
                    // A second reason to restore must not restore a second time.
                    screen.leave()?;
                    panic!("boom after leaving");
                }
                code => {
                    let _ = writeln!(log, "key {code}");
                }
            }
        }
    }
}

/// Tells long texts apart where there is no room to show them.
fn fingerprint(text: &str) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{} bytes, {:016x}", text.len(), hasher.finish())
}

fn start() -> Start {
    let program = std::env::current_exe().expect("the path of this program");
    Start::program(program)
        .args(["role", "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, "screen")
        .size(160, 30)
}

fn ready(start: Start) -> Terminal {
    let terminal = start.start();
    let view = terminal.wait_for_text("ready");
    assert!(view.alternate_screen() && !view.cursor_visible() && view.bracketed_paste());
    terminal
}

fn count(end: &Terminal, what: &str, since: common::terminal::Mark) -> usize {
    String::from_utf8_lossy(&end.since(since)).matches(what).count()
}

fn ends(terminal: &mut Terminal, code: i32) -> End {
    let end = terminal.wait_for_end();
    assert_eq!(end.code(), Some(code), "{:?}\n{}", end.status, end.view);
    end
}

fn notes() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes");
    (folder, path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|_| "it did not leave in order".to_owned())
}

fn assert_left_without_spinning(notes: &str) {
    assert!(notes.starts_with("left in order: Gone"), "{notes}");
    let used = notes.split_whitespace().find_map(|word| word.parse::<u64>().ok());
    assert!(used.is_some_and(|used| used < 300), "{notes}");
}

#[test]
fn leaving_restores_exactly_once() {
    let mut terminal = start().start();
    let begin = terminal.mark();
    terminal.wait_for_text("ready");
    terminal.keys("q");
    ends(&mut terminal, 0).assert_restored();
    assert_eq!(count(&terminal, LEAVE, begin), 1);
}

#[test]
fn an_error_is_shown_on_the_restored_screen() {
    let mut terminal = ready(start());
    terminal.keys("e");
    let end = ends(&mut terminal, 1);
    end.assert_restored();
    assert!(end.view.contains("error: cannot test the terminal: made for the test"), "{}", end.view);
}

#[test]
fn a_panic_of_the_screen_restores_once_and_is_readable() {
    for (keys, message) in [("p", "boom in the loop"), ("d", "boom in drawing")] {
        let mut terminal = ready(start());
        let begin = terminal.mark();
        terminal.keys(keys);
        let end = ends(&mut terminal, 101);
        end.assert_restored();
        assert!(end.view.contains(message), "{}", end.view);
        assert_eq!(count(&terminal, LEAVE, begin), 1);
    }
}

#[test]
fn a_panic_of_the_screen_lets_a_job_finish_that_has_to() {
    let (_folder, notes) = notes();
    let mut terminal = ready(start().env(NOTES, &notes));
    terminal.keys("w p");
    ends(&mut terminal, 101).assert_restored();
    assert_eq!(read(&notes), "the job has finished");
}

#[test]
fn a_panic_after_leaving_does_not_restore_again() {
    let mut terminal = ready(start());
    let begin = terminal.mark();
    terminal.keys("x");
    let end = ends(&mut terminal, 101);
    end.assert_restored();
    assert!(end.view.contains("boom after leaving"), "{}", end.view);
    assert_eq!(count(&terminal, LEAVE, begin), 1);
}

/// Trap 1: the hook of `ratatui::init` would restore the terminal under a living screen.
#[test]
fn a_panic_of_a_job_leaves_the_screen_alone() {
    for (keys, message) in [("j", "boom in a job"), ("b", "panicked")] {
        let mut terminal = ready(start());
        let begin = terminal.mark();
        terminal.keys(keys);
        let view = terminal.wait_for_text("failed: ");
        assert!(view.contains(message), "{view}");
        assert!(view.alternate_screen() && !view.cursor_visible(), "{view}");
        assert_eq!(count(&terminal, "thread '", begin), 0, "the panic was printed on the screen");
        // Not deaf: without raw mode this key would need a line end.
        terminal.keys("k");
        terminal.wait_for_text("key k");
        terminal.keys("q");
        ends(&mut terminal, 0).assert_restored();
    }
}

/// Trap 2: without handlers these leave the alternate screen and a hidden cursor behind.
#[test]
fn signals_end_in_order() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let mut terminal = ready(start());
        terminal.signal(signal);
        ends(&mut terminal, code).assert_restored();
    }
}

#[test]
fn a_signal_while_drawing_all_the_time_ends_in_order() {
    let mut terminal = ready(start());
    terminal.keys("f");
    let begin = terminal.mark();
    terminal.wait_for_output(begin);
    terminal.signal(Signal::TERM);
    ends(&mut terminal, 143).assert_restored();
}

/// Trap 3: after a hang-up the usual input thread uses a whole processor for ever.
#[test]
fn a_hang_up_without_a_signal_ends_in_order_and_spins_nowhere() {
    for keys in ["", "f", "j"] {
        let (_folder, notes) = notes();
        let mut terminal = ready(start().env(NOTES, &notes).without_signals_from_terminal());
        terminal.keys(keys);
        if keys == "f" {
            let begin = terminal.mark();
            terminal.wait_for_output(begin);
        }
        terminal.hang_up();
        ends(&mut terminal, 129);
        assert!(read(&notes).starts_with("left in order: Gone"), "{keys:?}: {}", read(&notes));
    }
}

#[test]
fn a_job_that_has_to_finish_after_a_hang_up_does_so_without_spinning() {
    let (_folder, notes) = notes();
    let mut terminal = ready(start().env(NOTES, &notes).without_signals_from_terminal());
    terminal.keys("w k");
    terminal.wait_for_text("key k");
    let begin = Instant::now();
    terminal.hang_up();
    ends(&mut terminal, 129);
    assert!(begin.elapsed() >= Duration::from_secs(1), "the job was left behind");
    assert_left_without_spinning(&read(&notes));
}

/// Where the thread that reads is caught in the middle.
#[test]
fn a_hang_up_after_half_a_sequence_ends_in_order_and_spins_nowhere() {
    for half in ["\x1b[", "\x1b[200~half a paste"] {
        let (_folder, notes) = notes();
        let mut terminal = ready(start().env(NOTES, &notes).without_signals_from_terminal());
        terminal.keys("w k");
        terminal.wait_for_text("key k");
        terminal.type_text(half);
        assert!(terminal.is_quiet_for(Duration::from_millis(100)));
        terminal.hang_up();
        ends(&mut terminal, 129);
        assert_left_without_spinning(&read(&notes));
    }
}

#[test]
fn a_hang_up_with_its_signal_ends_in_order() {
    let (_folder, notes) = notes();
    let mut terminal = ready(start().env(NOTES, &notes));
    terminal.hang_up();
    ends(&mut terminal, 129);
    assert!(read(&notes).starts_with("left in order: "), "{}", read(&notes));
}

#[test]
fn an_idle_screen_uses_no_processor_and_sends_nothing() {
    let mut terminal = ready(start());
    let before = terminal.processor_time();
    assert!(terminal.is_quiet_for(Duration::from_millis(300)));
    let used = terminal.processor_time() - before;
    assert!(used <= Duration::from_millis(20), "{used:?}");
    terminal.keys("q");
    ends(&mut terminal, 0);
}

/// Trap 4: a question about the cursor is never answered here, and takes two seconds.
#[test]
fn a_silent_terminal_is_never_asked() {
    let mut terminal = start().start();
    let begin = terminal.mark();
    terminal.wait_for_text("ready");
    terminal.resize(40, 8);
    terminal.wait_for_text("size 40x8");
    terminal.resize(80, 20);
    terminal.wait_for_text("size 80x20");
    terminal.keys("r k");
    terminal.wait_for_text("key k");
    let sent = String::from_utf8_lossy(&terminal.since(begin)).into_owned();
    for question in ["\x1b[6n", "\x1b[c", "\x1b[?u", "\x1b]11;?"] {
        assert!(!sent.contains(question), "{question:?} was asked");
    }
    terminal.keys("q");
    ends(&mut terminal, 0).assert_restored();
}

#[test]
fn a_terminal_without_a_size_is_drawn_on_all_the_same() {
    for (columns, rows) in [(0, 0), (1, 1), (3, 2)] {
        let mut terminal = start().size(columns, rows).start();
        let begin = terminal.mark();
        terminal.wait_for_output(begin);
        terminal.wait_for("alternate screen", |view| view.alternate_screen());
        terminal.keys("q");
        ends(&mut terminal, 0).assert_restored();
    }
}

/// Trap 5: with NO_COLOR set, crossterm's resets would undo the reverse video.
#[test]
fn no_color_is_left_to_the_theme() {
    let mut terminal = ready(start().env("NO_COLOR", "1"));
    let style = terminal.view().style_of("ready");
    assert!(style.reversed, "{style:?}");
    assert_eq!(style.foreground, vt100::Color::Idx(1));
    terminal.keys("q");
    ends(&mut terminal, 0);
}

#[test]
fn frames_that_look_the_same_send_nothing() {
    let mut terminal = ready(start());
    let begin = terminal.mark();
    // A hundred unchanged frames, then one with a dot more.
    terminal.keys("s");
    terminal.wait_for("dot", |view| view.row(1) == ".");
    let sent = terminal.since(begin);
    assert!(sent.len() < 100, "{} bytes: {:?}", sent.len(), String::from_utf8_lossy(&sent));
    terminal.keys("q");
    ends(&mut terminal, 0);
}

#[test]
fn a_repaint_mends_a_screen_that_somebody_wrote_on() {
    let mut terminal = ready(start());
    let begin = terminal.mark();
    terminal.keys("r");
    let sent = String::from_utf8(terminal.wait_for_output(begin)).expect("text");
    assert!(sent.contains("\x1b[2J") && sent.contains("ready"), "{sent:?}");
    terminal.keys("q");
    ends(&mut terminal, 0);
}

#[test]
fn keys_and_pastes_are_told_apart() {
    let mut terminal = ready(start());
    terminal.paste("q\rp");
    terminal.wait_for_text(r#"pasted "q\rp""#);
    terminal.keys("Up");
    terminal.wait_for_text("key Up");
    terminal.keys("Esc");
    terminal.wait_for_text("key Esc");
    terminal.keys("Ctrl-c");
    terminal.wait_for_text("control c");
    terminal.keys("q");
    ends(&mut terminal, 0).assert_restored();
}

/// More at once than any buffer holds: nothing is lost, nor left lying until the next key.
#[test]
fn floods_of_keys_and_huge_pastes_arrive_whole() {
    let text: String = (0..).flat_map(|n: u32| format!("{n} ").into_bytes()).map(char::from).take(100_000).collect();
    let mut terminal = ready(start());
    terminal.paste(&text);
    terminal.wait_for_text(&format!("pasted {}", fingerprint(&text)));
    terminal.keys("c");
    terminal.type_text(&(text.clone() + "\r"));
    terminal.wait_for_text(&format!("collected {}", fingerprint(&text)));
    terminal.keys("q");
    ends(&mut terminal, 0).assert_restored();
}

#[test]
fn half_a_sequence_waits_for_its_rest_and_holds_nothing_up() {
    let mut terminal = ready(start());
    terminal.write(b"\x1b[");
    terminal.resize(100, 20);
    terminal.wait_for_text("size 100x20");
    terminal.write(b"1;2");
    terminal.resize(90, 20);
    let view = terminal.wait_for_text("size 90x20");
    assert!(!view.contains("key"), "{view}");
    terminal.write(b"A\xc3");
    terminal.wait_for_text("key Up");
    terminal.write(b"\xa9\x1b[200~pa");
    terminal.wait_for_text("key é");
    terminal.write(b"st\x1b[201~");
    terminal.wait_for_text("pasted \"past\"");
    terminal.keys("q");
    ends(&mut terminal, 0).assert_restored();
}

#[test]
fn without_a_terminal_the_error_says_which_and_what_else() {
    let nothing = || File::open("/dev/null").expect("/dev/null");
    for (start, stream) in [
        (start().without_signals_from_terminal().input(nothing()), "standard input"),
        (start().output(nothing()), "standard output"),
    ] {
        let mut terminal = start.size(200, 10).start();
        let begin = terminal.mark();
        let end = ends(&mut terminal, 1);
        end.assert_restored();
        let message = format!("error: {stream} is not a terminal");
        assert!(end.view.contains(&message), "{}", end.view);
        assert!(end.view.contains("scopesync drift"), "{}", end.view);
        assert_eq!(count(&terminal, ENTER, begin), 0);
    }
}

/// Stopped and continued from a shell, as people do it.
#[test]
fn suspend_and_resume_go_through_a_shell() {
    let program = std::env::current_exe().expect("the path of this program");
    let mut terminal = Start::program("sh").args(["-i"]).env("PS1", "shell> ").size(160, 12).start();
    terminal.wait_for_text("shell>");
    terminal.type_text(&format!("{ROLE}=screen '{}' role --exact --nocapture --test-threads=1\r", program.display()));
    terminal.wait_for("screen", |view| view.alternate_screen() && view.contains("ready"));
    terminal.keys("Ctrl-z");
    let view =
        terminal.wait_for("shell", |view| !view.alternate_screen() && view.text().trim_end().ends_with("shell>"));
    assert!(view.cursor_visible() && !view.bracketed_paste() && !view.reports_mouse(), "{view}");
    terminal.type_text("fg\r");
    let view = terminal.wait_for("screen", |view| view.alternate_screen() && view.contains("ready"));
    assert!(view.reports_mouse(), "{view}");
    terminal.keys("k");
    terminal.wait_for_text("key k");
    terminal.keys("q");
    terminal.wait_for("shell", |view| !view.alternate_screen() && view.text().trim_end().ends_with("shell>"));
    terminal.type_text("exit\r");
    ends(&mut terminal, 0).assert_restored();
}
