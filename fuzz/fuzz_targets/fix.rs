#![no_main]

use stackref_fuzz::{Variants, fix};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fix(bytes, Variants::of_input(bytes)));
