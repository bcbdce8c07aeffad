#![no_main]

use stackref_fuzz::{Variants, render};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| render(bytes, Variants::of_input(bytes)));
