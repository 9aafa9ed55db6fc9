//! The two stages of an interrupt, handed in by the command that catches signals.

use tokio::sync::watch;

/// How urgently a run is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stage {
    /// It goes on.
    #[default]
    Running,
    /// It starts nothing new, settles what is in flight, writes and ends.
    Finishing,
    /// It ends at once; the journal makes that safe.
    Leaving,
}

/// Raises the stage. Dropping it leaves the stage as it is.
#[derive(Debug)]
pub struct Interrupter(watch::Sender<Stage>);

/// Learns of the stage. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<Stage>);

/// Creates the two ends.
pub fn channel() -> (Interrupter, Interrupt) {
    let (sender, receiver) = watch::channel(Stage::Running);
    (Interrupter(sender), Interrupt(receiver))
}

impl Interrupter {
    /// Goes to the next stage and returns it: the first interrupt finishes, the second leaves.
    pub fn raise(&self) -> Stage {
        self.0.send_modify(|stage| {
            *stage = if *stage == Stage::Running { Stage::Finishing } else { Stage::Leaving };
        });
        *self.0.borrow()
    }
}

impl Interrupt {
    /// Returns one that never comes.
    pub fn never() -> Self {
        channel().1
    }

    /// Returns the present stage.
    pub fn stage(&self) -> Stage {
        *self.0.borrow()
    }

    /// Returns when the stage is later than `seen`.
    pub async fn later_than(&self, seen: Stage) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|stage| *stage > seen).await.is_err() {
            // Nobody is left who could raise it.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_finishes_and_the_second_leaves() {
        let (interrupter, interrupt) = channel();
        assert_eq!(interrupt.stage(), Stage::Running);
        assert_eq!(interrupter.raise(), Stage::Finishing);
        interrupt.later_than(Stage::Running).await;
        assert_eq!(interrupter.raise(), Stage::Leaving);
        assert_eq!(interrupter.raise(), Stage::Leaving);
        interrupt.later_than(Stage::Finishing).await;
    }
}
