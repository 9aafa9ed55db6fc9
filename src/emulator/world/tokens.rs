//! `ClientTokens`: the same token with the same parameters brings the same answer and no second effect.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::api::catalogue::Action;
use crate::emulator::errors::{Refusal, Unlisted};
use crate::emulator::world::World;
use crate::emulator::world::call::Call;
use crate::emulator::world::model::{Kind, Token};

/// Characters of a token at most.
const LONGEST: usize = 64;
/// How many tokens are remembered at most; those that end first are forgotten first.
const MOST: usize = 200_000;

impl World {
    /// Returns the call's token with the answer that it brought before, if it did.
    pub(crate) fn replay(&self, call: &Call) -> Result<Option<Token>, Refusal> {
        let Some(token) = call.text("ClientToken") else { return Ok(None) };
        if token.len() > LONGEST || !token.is_ascii() {
            return Err(Refusal::unlisted(Unlisted::ClientTokenMalformed));
        }
        let Some(known) = self.tokens.get(&key(call.action, token)) else { return Ok(None) };
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
            if self.tokens.len() >= MOST {
                self.forget_token();
            }
            self.put(Token {
                key: key(call.action, token),
                digest: digest(call),
                used: call.now,
                expires: call.now.after(lifetime),
                request_id: request_id.to_owned(),
                answer: answer.clone(),
            });
        }
    }

    /// Lets the request with the parameters' token count as being processed for so long, because its
    /// answer is held back.
    pub(crate) fn hold_token(
        &mut self,
        action: Action,
        parameters: &BTreeMap<String, String>,
        wait: Duration,
    ) {
        let token = parameters.get("ClientToken");
        let known = token.and_then(|token| self.tokens.get(&key(action, token)));
        if let Some(known) = known.cloned() {
            self.put(Token { used: known.used.after(wait), ..known });
        }
    }

    fn forget_token(&mut self) {
        let first = self.index.due.iter().find(|(_, kind, _)| *kind == Kind::Token);
        if let Some((.., key)) = first.cloned() {
            self.remove::<Token>(&key);
        }
    }
}

fn key(action: Action, token: &str) -> String {
    format!("{action} {token}")
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
