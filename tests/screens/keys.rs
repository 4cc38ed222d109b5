//! Keys without end: nothing breaks, and nothing is written but by the key that confirms, or by
//! the one that replicates while Force is on and WhatIf off.

use super::*;

/// How many keys are pressed; `SCOPESYNC_TEST_KEYS` tries more.
const KEYS: usize = 30_000;

/// A generator that is the same everywhere: a run that fails can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        // xorshift64 (Marsaglia, 2003)
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

#[test]
fn nothing_is_written_by_any_other_key() {
    let keys = std::env::var("SCOPESYNC_TEST_KEYS").ok().and_then(|text| text.parse().ok()).unwrap_or(KEYS);
    let mut random = Random(0x5eed_0f5c_09e5_11c5);
    let table: Vec<&str> = VERBS.iter().flat_map(|verb| verb.keys).copied().collect();
    let (mut pressed, mut confirmed, mut forced) = (0, 0, 0);
    while pressed < keys {
        let mut program = Program::start(Some(fleet()), 100, 30);
        program.past = Past::sample();
        program.settle();
        for _ in 0..500 {
            pressed += 1;
            // those that lead to a run come more often, or hardly any would ever begin
            let towards = ["r", "y", "a", "F"];
            let key = match random.below(3) {
                0 => towards[random.below(towards.len())],
                _ => table[random.below(table.len())],
            };
            let asked = program.asked.len();
            let (force, what_if) = (program.state.force, program.state.what_if);
            let asking = program.preview().is_some_and(|preview| preview.may_ask());
            program.type_keys(key);
            let began = |program: &Program| program.asked[asked..].iter().any(|asked| asked.starts_with("run"));
            if began(&program) {
                assert!(asking && ["y", "a"].contains(&key), "{key} began a run");
                assert!(!what_if, "{key} began a run under WhatIf");
                confirmed += 1;
            }
            if random.below(3) == 0 {
                let asked = program.asked.len();
                program.happen();
                if program.asked[asked..].iter().any(|asked| asked.starts_with("run")) {
                    assert!(force || program.state.force, "a plan began a run by itself");
                    assert!(!program.state.what_if, "under WhatIf");
                    forced += 1;
                }
            }
            match random.below(8) {
                0 => program.wait(400),
                1 => program.resize(
                    1 + u16::try_from(random.below(220)).unwrap(),
                    1 + u16::try_from(random.below(60)).unwrap(),
                ),
                2 => program.draw(),
                _ => {}
            }
            if program.asked.last().is_some_and(|asked| asked.starts_with("quit")) {
                break;
            }
        }
    }
    assert!(confirmed > 0 && forced > 0, "no run at all proves nothing: {confirmed} confirmed, {forced} forced");
}
