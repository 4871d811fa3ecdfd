//! Our decoder and AWS's agree on what AWS's encoder wrote, and on what is left of it after damage.

use crate::build::{damage, stream};
use crate::reading::{aws, ours, repair};

#[test]
fn on_good_streams() {
    let mut frames = 0;
    arbtest::arbtest(|u| {
        let stream = stream(u)?;
        let reading = ours([&stream[..]]);
        frames += reading.frames.len();
        assert_eq!(reading.verdict(), aws(&stream));
        Ok(())
    })
    .budget_ms(500)
    .run();
    assert!(frames > 0, "no frame was generated");
}

#[test]
fn on_damaged_streams() {
    arbtest::arbtest(|u| {
        let mut stream = stream(u)?;
        damage(u, &mut stream)?;
        assert_eq!(ours([&stream[..]]).verdict(), aws(&stream));
        Ok(())
    })
    .budget_ms(500);
}

#[test]
fn on_damage_that_the_checksums_do_not_show() {
    arbtest::arbtest(|u| {
        let mut stream = stream(u)?;
        damage(u, &mut stream)?;
        repair(&mut stream, u.arbitrary()?);
        assert_eq!(ours([&stream[..]]).verdict(), aws(&stream));
        Ok(())
    })
    .budget_ms(500);
}
