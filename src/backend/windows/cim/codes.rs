//! The failures that a DHCP server reports, its own and those of Windows below it (MS-DHCPM 2.2.2, "DHCP Server
//! Management API Error Codes"; MS-ERREF 2.2).

use crate::backend::windows::wsman::Code;
use crate::engine::ErrorKind::{self, Busy, Empty, Refused, Unsupported};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub code: Code,
    /// What a caller may decide on.
    pub kind: ErrorKind,
    /// What it means, whatever language the server speaks.
    pub words: &'static str,
    /// What to do about it; empty where nothing can be done, or it hangs on who refused.
    pub hint: &'static str,
}

/// What a number means.
pub fn of(code: Code) -> Option<&'static Known> {
    CODES.iter().find(|known| known.code == code)
}

/// The scope belongs to no relationship.
pub const SCOPE_NOT_IN_RELATIONSHIP: u32 = 20_116;

/// The vendor or user class is not there.
pub const CLASS_NOT_FOUND: u32 = 20_044;

/// A replication of the scope goes on already.
pub const SCOPE_SYNC_IN_PROGRESS: u32 = 20_133;

/// All of them, in their order.
pub const CODES: &[Known] = &[
    win32(5, Refused, "access is denied", ""),
    win32(1722, Refused, "the DHCP service cannot be reached", SERVICE),
    win32(1753, Refused, "the DHCP service cannot be reached", SERVICE),
    known(20_004, Refused, "the scope is there already", AGAIN),
    known(20_005, Empty, "the scope is not there", AGAIN),
    known(20_007, Refused, "it is in use and cannot be removed", "a scope with leases, or a range with reservations?"),
    known(20_009, Refused, "the option is there already", AGAIN),
    known(20_010, Empty, "the option is not defined, or has no value", "define the option on this server first"),
    known(20_014, Refused, "the client is there already", AGAIN),
    known(20_018, Refused, "the client has no reservation", AGAIN),
    known(20_019, Refused, "the client has a reservation", AGAIN),
    known(20_021, Refused, "the range overlaps another", RANGES),
    known(20_022, Refused, "the address or the client is reserved already", RESERVED),
    known(20_023, Refused, "the range is none, or overlaps another", RANGES),
    known(CLASS_NOT_FOUND, Empty, "the class is not there", "create the vendor or user class on this server first"),
    known(20_045, Refused, "the class is there already", AGAIN),
    known(20_049, Refused, "the range cannot become one of this type", TYPE),
    known(20_052, Refused, "the scope is there already, or its parameters conflict", AGAIN),
    known(20_089, Refused, "a built-in class cannot be deleted", "leave it as it is: every server has it"),
    known(20_092, Refused, "the delay is above 1000 milliseconds", "make it 1000 or less on the source"),
    known(20_103, Refused, "the option is of another type on the two servers", "make both definitions the same"),
    known(20_104, Refused, "the policy's condition hangs on another that is not there", CONDITION),
    known(20_105, Refused, "the policy is there already", AGAIN),
    known(20_106, Refused, "the policy's range is there already", AGAIN),
    known(20_107, Refused, "the policy's range is none of its scope's", "it must lie within the scope's range"),
    known(20_108, Refused, "a policy of the server has no ranges", "give them to a policy of the scope"),
    known(20_109, Refused, "the policy's condition is none", CONDITION),
    known(20_110, Refused, "the policy's processing order is none", "another policy of the scope may have it"),
    known(20_111, Empty, "the policy is not there", AGAIN),
    known(20_112, Refused, "the scope's range would cut a policy's range", "change the policy's range first"),
    known(20_113, Refused, "the scope is in a relationship already", "take it out of that one first"),
    known(20_114, Refused, "the relationship is there already", AGAIN),
    known(20_115, Empty, "the relationship is not there", "it may have been renamed or removed: read again"),
    known(SCOPE_NOT_IN_RELATIONSHIP, Refused, "the scope is in no relationship", "add it to one first"),
    known(20_117, Refused, "this server is the relationship's secondary", "ask its partner"),
    known(
        20_118,
        Unsupported,
        "failover does not support it",
        "write replication = \"direct\" for the target: it goes without the servers' own replication",
    ),
    known(20_119, Refused, "the servers' clocks differ by more than a minute", "set both by the same time server"),
    known(20_120, Refused, "the relationship's state is not normal", "wait until both servers are normal"),
    known(20_121, Refused, "the user may not administer the DHCP server", ""),
    known(20_122, Refused, "the partner cannot be reached", PARTNER),
    known(20_123, Refused, "the DHCP service of the partner does not run", "start it"),
    known(20_124, Refused, "the partner's name leads to no address", "look at the name in the relationship and at DNS"),
    known(20_125, Refused, "the relationship's name is longer than 126 characters", "give it a shorter one"),
    known(20_126, Refused, "no address of the selection is free", "choose a larger one"),
    known(20_127, Refused, "the leases of the added scope have not been sent yet", "wait a moment and try again"),
    known(20_128, Refused, "the server has 31 relationships, and no more are possible", "remove one that is empty"),
    known(20_129, Refused, "a scope of a relationship cannot become one for BOOTP", TYPE),
    known(20_130, Refused, "too many scopes at once", "take fewer"),
    known(20_131, Refused, "a scope for BOOTP cannot be in a relationship", "Windows Server 2012 R2 and later can"),
    known(20_132, Refused, "the range belongs to a scope of a relationship", "take the scope out of it first"),
    known(SCOPE_SYNC_IN_PROGRESS, Busy, "the scope is being replicated right now", "wait until that is over"),
    known(20_134, Unsupported, "one of the two servers does not support it", "is the other one older?"),
    known(20_135, Refused, "a policy on client names has no ranges", NAMES),
    known(20_136, Refused, "a policy on client names sets options 51 and 81 alone", NAMES),
    known(20_137, Refused, "a policy with options or ranges cannot go by client names", NAMES),
];

const AGAIN: &str = "it changed a moment ago: read again";
const RANGES: &str = "look at the scope's range and exclusions on this server";
const RESERVED: &str = "another reservation of the scope has the address or the client identifier";
const TYPE: &str = "change the scope's type by hand on this server, or ignore the difference in the configuration";
const CONDITION: &str = "are the classes and policies that it names on this server?";
const NAMES: &str = "give what it may not have to another policy on the source";
const PARTNER: &str = "is it up, and does a firewall let RPC through between the two servers?";
const SERVICE: &str = "does the service DHCPServer run there, and does a firewall let RPC through?";

const fn known(number: u32, kind: ErrorKind, words: &'static str, hint: &'static str) -> Known {
    Known { code: Code::Dhcp(number), kind, words, hint }
}

const fn win32(number: u32, kind: ErrorKind, words: &'static str, hint: &'static str) -> Known {
    Known { code: Code::Win32(number), kind, words, hint }
}
