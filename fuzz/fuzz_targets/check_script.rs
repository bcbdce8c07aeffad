#![no_main]

use stackref_fuzz::{Variants, check_script};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_script(bytes, Variants::of_input(bytes)));
