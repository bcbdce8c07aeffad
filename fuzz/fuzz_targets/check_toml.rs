#![no_main]

use stackref_fuzz::{Variants, check_toml};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_toml(bytes, Variants::of_input(bytes)));
