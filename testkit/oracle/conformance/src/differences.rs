// SPDX-License-Identifier: Apache-2.0
//! Where we differ from the oracle on purpose, and why. A test holds this list to be exactly what diverges.
//!
//! One difference shows in many stories, and so [`crate::Duel`] knows of it too: how deposits are paid that one call both charges
//! and refunds for one contract. With us they are one amount. The pallet has a list of charges and refunds, of which at the
//! end it first does the refunds and then the charges:
//!
//! - A refund of what has not been charged yet is cut down to what is held, without an error. So more stays held than the
//!   pallet's own record of the contract says, and nobody can get at it: it is *stranded*. The duel expects exactly that: what
//!   the pallet holds beyond its records, whoever paid for the call has more with us.
//! - What a contract stored in the very call that ends it is charged to an account that is no more. That fails, and the whole
//!   call with it: the machines part ([`Aspect::Ended`]) and the story is over. If the contract named itself as the
//!   beneficiary, the account is still there, and the deposit is stranded on it.

use crate::duel::Aspect;

/// A difference on purpose.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// The case in which it shows.
    pub case: &'static str,
    /// In what it shows.
    pub aspects: &'static [Aspect],
    /// Why.
    pub reason: &'static str,
}

/// All of them.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        case: "gas_left_is_eight_bytes_and_then_two_numbers",
        aspects: &[Aspect::Answer],
        reason: "gas has one dimension here: the second number, for proofs of storage, is always zero, and so shorter",
    },
    Difference {
        case: "a_debug_message_that_is_no_text_is_dropped",
        aspects: &[Aspect::Debug],
        reason: "a message that is not UTF-8 is kept, with its broken characters replaced: it is read by people",
    },
    Difference {
        case: "there_are_no_chain_extensions",
        aspects: &[Aspect::Code, Aspect::Balance],
        reason: "there are chain extensions here: code that calls one is admitted",
    },
    Difference {
        case: "a_call_of_the_chain_that_does_not_decode",
        aspects: &[Aspect::Answer],
        reason: "there is no chain to call: the code says so, and the call is not decoded",
    },
    Difference {
        case: "a_call_of_the_chain_is_refused",
        aspects: &[Aspect::Debug],
        reason: "the pallet explains its refusal in the debug buffer; here the code is all there is to say",
    },
    Difference {
        case: "an_xcm_program_is_refused",
        aspects: &[Aspect::Debug],
        reason: "the pallet explains its refusal in the debug buffer; here the code is all there is to say",
    },
    Difference {
        case: "an_xcm_message_is_refused",
        aspects: &[Aspect::Answer],
        reason: "there is no XCM here: the code says so; the pallet's empty router sends it to nobody and reports success",
    },
    Difference {
        case: "a_start_function",
        aspects: &[Aspect::Code, Aspect::Balance],
        reason: "a start function would run outside of any call: refused",
    },
    Difference {
        case: "entry_points_that_return_a_number",
        aspects: &[Aspect::Code, Aspect::Balance],
        reason: "entry points return nothing: the number was a relic, and nobody looks at it",
    },
    Difference {
        case: "a_call_in_which_a_contract_stores_and_is_ended_fails",
        aspects: &[Aspect::Ended],
        reason: "the pallet holds a deposit on the account of a contract that it has just ended, which fails",
    },
    Difference {
        case: "lengths_beyond_any_memory_trap",
        aspects: &[Aspect::Answer],
        reason: "a length over a named limit is told as such before memory is looked at",
    },
];
