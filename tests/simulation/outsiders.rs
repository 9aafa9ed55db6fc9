//! People at the console, and what they leave behind.

use std::time::Duration;

use natform::api::catalogue::Action;

use crate::dice::Dice;
use crate::life::House;
use crate::model::Model;

pub(crate) fn visit_quietly(house: &House, dice: &mut Dice, model: &Model, text: &str) {
    let _ = (house, dice, model, text);
}

pub(crate) fn visit_meanwhile(house: &House, dice: &mut Dice, model: &Model) {
    let _ = (house, dice, model);
}

pub(crate) fn tidy(house: &House) {
    let _ = (house, Action::ALL, Duration::ZERO);
}

pub(crate) fn leave(house: &House) {
    let _ = house;
}
