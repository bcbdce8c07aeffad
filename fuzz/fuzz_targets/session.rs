#![no_main]

use stackref_fuzz::{Variants, session};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| session(bytes, Variants::of_input(bytes)));
