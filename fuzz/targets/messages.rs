//! Every message's decoder: whatever decodes has one encoding.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Some((place, bytes)) = input.split_first() {
        let _ = phala_fuzz::decode_message(*place, bytes);
    }
});
