//! `ClientTokens`: the same token with the same parameters brings the same answer and no second effect.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::time::Duration;

use crate::emulator::errors::{Refusal, Unlisted};
use crate::emulator::world::World;
use crate::emulator::world::call::Call;
use crate::emulator::world::model::Token;

/// Characters of a token at most.
const LONGEST: usize = 64;

impl World {
    /// Returns the call's token with the answer that it brought before, if it did.
    pub(crate) fn replay(&self, call: &Call) -> Result<Option<Token>, Refusal> {
        let Some(token) = call.text("ClientToken") else { return Ok(None) };
        if token.len() > LONGEST || !token.is_ascii() {
            return Err(Refusal::unlisted(Unlisted::ClientTokenMalformed));
        }
        let Some(known) = self.tokens.get(&key(call, token)) else { return Ok(None) };
        if known.digest != digest(call) {
            return Err(Refusal::unlisted(Unlisted::IdempotentParameterMismatch));
        }
        let processed =
            known.used.after(Duration::from_millis(self.conditions.token_processing_ms));
        if call.now < processed {
            return Err(Refusal::unlisted(Unlisted::LastTokenProcessing));
        }
        Ok(Some(known.clone()))
    }

    /// Keeps the answer for the call's token, if it has one.
    pub(crate) fn remember(&mut self, call: &Call, request_id: &str, answer: &Map<String, Value>) {
        if let Some(token) = call.text("ClientToken") {
            let lifetime = Duration::from_millis(self.settings.timings.token_lifetime_ms);
            self.put(Token {
                key: key(call, token),
                digest: digest(call),
                used: call.now,
                expires: call.now.after(lifetime),
                request_id: request_id.to_owned(),
                answer: answer.clone(),
            });
        }
    }
}

fn key(call: &Call, token: &str) -> String {
    format!("{} {token}", call.action)
}

fn digest(call: &Call) -> String {
    let mut hash = Sha256::new();
    for (name, value) in call.parameters.iter().filter(|(name, _)| *name != "ClientToken") {
        for part in [name, value] {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    crate::api::signature::hex(&hash.finalize())
}
