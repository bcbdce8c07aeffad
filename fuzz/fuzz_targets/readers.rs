#![no_main]

use stackref_fuzz::{Variants, readers};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| readers(bytes, Variants::of_input(bytes)));
