//! CIM datetimes that say how long, not when.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A span of time of whole seconds, which is what DHCP counts in (DSP0004 5.2.4, intervals).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Interval {
    /// All of it, in seconds.
    pub seconds: u64,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Interval {
    /// The lease that never ends: all ones in the 32 bits of DHCP (RFC 2131 3.3).
    pub const UNLIMITED: Interval = Interval { seconds: u32::MAX as u64 };

    /// Whether it never ends.
    pub fn is_unlimited(self) -> bool {
        self >= Self::UNLIMITED
    }

    /// Takes both forms in which servers send one: `P8DT0H0M0S` (an xs:duration with no years and
    /// no months, which have no fixed length) and `00000008000000.000000:000` (DSP0004). Fractions of
    /// a second are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.strip_prefix('P') {
            Some(duration) => of_duration(duration),
            None => of_digits(text),
        }
    }

    /// As xs:duration, the form in which servers are told one.
    pub fn duration(self) -> String {
        let (days, hours, minutes, seconds) = self.parts();
        format!("P{days}DT{hours}H{minutes}M{seconds}S")
    }

    fn parts(self) -> (u64, u64, u64, u64) {
        let Interval { seconds } = self;
        (seconds / DAY, seconds % DAY / HOUR, seconds % HOUR / MINUTE, seconds % MINUTE)
    }
}

fn of_duration(text: &str) -> Option<Interval> {
    let (days, time) = text.split_once('T').map_or((text, None), |(days, time)| (days, Some(time)));
    if text.is_empty() || time == Some("") {
        return None;
    }
    let mut seconds = 0_u64;
    for (part, mut units) in [
        (days, &[('Y', 0), ('M', 0), ('D', DAY)][..]),
        (time.unwrap_or_default(), &[('H', HOUR), ('M', MINUTE), ('S', 1)]),
    ] {
        let mut rest = part;
        while let Some(end) = rest.find(|c: char| !c.is_ascii_digit() && c != '.') {
            let unit = rest[end..].chars().next()?;
            let place = units.iter().position(|(name, _)| *name == unit)?;
            let number = whole(&rest[..end], unit == 'S')?;
            if units[place].1 == 0 && number > 0 {
                return None;
            }
            seconds = seconds.checked_add(number.checked_mul(units[place].1)?)?;
            units = &units[place + 1..];
            rest = &rest[end + unit.len_utf8()..];
        }
        if !rest.is_empty() {
            return None;
        }
    }
    Some(Interval { seconds })
}

/// The whole part of a number; only seconds have a fraction.
fn whole(text: &str, fraction: bool) -> Option<u64> {
    match text.split_once('.') {
        None => text.parse().ok(),
        Some((whole, rest)) => (fraction && rest.chars().all(|c| c.is_ascii_digit())).then(|| whole.parse().ok())?,
    }
}

/// `ddddddddHHMMSS.mmmmmm:000`.
fn of_digits(text: &str) -> Option<Interval> {
    let (digits, micros) = text.strip_suffix(":000")?.split_once('.')?;
    let all = |text: &str, long: usize, extra: u8| {
        text.len() == long && text.bytes().all(|byte| byte.is_ascii_digit() || byte == extra)
    };
    // digits that mean nothing are stars
    if !(all(digits, 14, b'0') && all(micros, 6, b'*')) {
        return None;
    }
    let number = |from: usize, to: usize| digits[from..to].parse::<u64>().ok();
    let seconds = number(0, 8)? * DAY + number(8, 10)? * HOUR + number(10, 12)? * MINUTE + number(12, 14)?;
    Some(Interval { seconds })
}

/// As the cmdlets show it: `8.00:00:00`.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unlimited() {
            return f.write_str("unlimited");
        }
        let (days, hours, minutes, seconds) = self.parts();
        if days > 0 {
            write!(f, "{days}.")?;
        }
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}")
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> String {
        interval.duration()
    }
}

impl TryFrom<String> for Interval {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Interval::parse(&text).ok_or_else(|| format!("{text:?} is no interval"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_interval_is_understood() {
        for (text, seconds) in [
            ("P8DT0H0M0S", Some(691_200)),
            (" P0DT0H1M40S\n", Some(100)),
            ("PT1H", Some(3600)),
            ("P2D", Some(172_800)),
            ("P1DT2H3M4.567S", Some(93_784)),
            ("00000008000000.000000:000", Some(691_200)),
            ("00049710062815.******:000", Some(u64::from(u32::MAX))),
            ("P0Y0M8DT0H0M0S", Some(691_200)),
            ("P1Y", None),
            ("P1M", None),
            ("P", None),
            ("PT", None),
            ("P1DT", None),
            ("PT1M1H", None),
            ("PT1.5H", None),
            ("-P1D", None),
            ("P99999999999999999999D", None),
            ("8.00:00:00", None),
            ("0000000800000é.000000:000", None),
            ("", None),
        ] {
            assert_eq!(Interval::parse(text).map(|interval| interval.seconds), seconds, "{text}");
        }
        assert_eq!(Interval { seconds: 691_201 }.to_string(), "8.00:00:01");
        assert_eq!(Interval { seconds: 3600 }.to_string(), "01:00:00");
        assert_eq!(Interval::parse("P49710DT6H28M15S").unwrap().to_string(), "unlimited");
    }

    proptest::proptest! {
        #[test]
        fn an_interval_comes_back_as_it_went(seconds: u64, junk in ".*") {
            proptest::prop_assert_eq!(Interval::parse(&Interval { seconds }.duration()), Some(Interval { seconds }));
            let _ = Interval::parse(&junk);
        }
    }
}
