#![no_main]

use stackref_fuzz::{Variants, references};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| references(bytes, Variants::of_input(bytes)));
