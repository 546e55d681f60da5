//! Messages that were delivered and are not proven yet: only the tip at their end proves them.

use codec::Encode;
use phala_types::{
    MessageNumber,
    limits::BACKLOG_BYTES_MAX,
    mailbox::{Message, Tip},
};

/// Messages between the last executed one and the verified tip.
pub struct Backlog {
    tip: Tip,
    messages: Vec<Message>,
    size_bytes: usize,
}

/// Why a delivery was not taken. The backlog is as before, unless it says otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeliveryError {
    /// The next message has another number.
    NotNext {
        /// This one.
        wanted: MessageNumber,
    },
    /// The messages go beyond the verified tip.
    BeyondTip,
    /// The messages up to the tip do not add up to it: one of them is not the chain's. The backlog is dropped.
    NotOnChain,
    /// There are more messages before the tip than a worker holds.
    TooLong,
}

impl Backlog {
    /// Nothing after `tip`.
    pub fn after(tip: Tip) -> Self {
        Self { tip, messages: Vec::new(), size_bytes: 0 }
    }

    /// The number of the next message that it wants.
    pub fn wanted(&self) -> MessageNumber {
        self.tip.count
    }

    /// Takes messages. Once they reach `target`, and add up to it, all that were held are returned.
    pub fn deliver(
        &mut self,
        messages: Vec<Message>,
        executed: Tip,
        target: Tip,
    ) -> Result<Vec<Message>, DeliveryError> {
        let mut tip = self.tip;
        let mut size_bytes = self.size_bytes;
        for message in &messages {
            if tip.count >= target.count {
                return Err(DeliveryError::BeyondTip);
            }
            tip = tip.link(message).ok_or(DeliveryError::NotNext { wanted: tip.count })?;
            size_bytes = size_bytes.saturating_add(message.encoded_size());
        }
        if size_bytes > BACKLOG_BYTES_MAX {
            return Err(DeliveryError::TooLong);
        }
        self.tip = tip;
        self.size_bytes = size_bytes;
        self.messages.extend(messages);
        if tip.count < target.count {
            return Ok(Vec::new());
        }
        if tip.hash != target.hash {
            *self = Self::after(executed);
            return Err(DeliveryError::NotOnChain);
        }
        Ok(core::mem::replace(self, Self::after(target)).messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phala_types::{BlockNumber, ClusterId, Millis, cluster::ClusterMessage, mailbox::Topic};

    fn messages(count: u64) -> Vec<Message> {
        (0..count)
            .map(|number| Message {
                number: MessageNumber::new(number),
                block: BlockNumber::new(1),
                timestamp: Millis::new(1),
                body: ClusterMessage::CodeUploaded { code: vec![number as u8].try_into().unwrap() },
            })
            .collect()
    }

    fn start() -> Tip {
        Tip::empty(Topic::Cluster(ClusterId::new(0)))
    }

    fn tip_of(messages: &[Message]) -> Tip {
        messages.iter().fold(start(), |tip, message| tip.link(message).unwrap())
    }

    #[test]
    fn messages_come_out_once_they_reach_the_tip() {
        let all = messages(3);
        let target = tip_of(&all);
        let mut backlog = Backlog::after(start());
        assert_eq!(backlog.deliver(all[..2].to_vec(), start(), target), Ok(vec![]));
        assert_eq!(backlog.wanted(), MessageNumber::new(2));
        assert_eq!(backlog.deliver(all[2..].to_vec(), start(), target), Ok(all));
        assert_eq!(backlog.wanted(), MessageNumber::new(3));
    }

    #[test]
    fn a_dropped_reordered_or_repeated_message_is_not_taken() {
        let all = messages(3);
        let target = tip_of(&all);
        let mut backlog = Backlog::after(start());
        let wanted = MessageNumber::new(0);
        assert_eq!(
            backlog.deliver(all[1..].to_vec(), start(), target),
            Err(DeliveryError::NotNext { wanted })
        );
        let wanted = MessageNumber::new(1);
        for bad in [[&all[0], &all[2]], [&all[0], &all[0]]] {
            let delivery = bad.into_iter().cloned().collect();
            assert_eq!(backlog.deliver(delivery, start(), target), Err(DeliveryError::NotNext { wanted }));
        }
        assert_eq!(backlog.deliver(all.clone(), start(), target), Ok(all));
    }

    #[test]
    fn a_forged_message_never_comes_out_and_the_true_ones_still_do() {
        let all = messages(3);
        let target = tip_of(&all);
        let mut forged = all.clone();
        forged[1].body = ClusterMessage::CodeUploaded { code: vec![99].try_into().unwrap() };
        let mut backlog = Backlog::after(start());
        assert_eq!(backlog.deliver(forged, start(), target), Err(DeliveryError::NotOnChain));
        assert_eq!(backlog.deliver(all.clone(), start(), target), Ok(all));
    }

    #[test]
    fn messages_beyond_the_verified_tip_are_not_taken() {
        let all = messages(3);
        let target = tip_of(&all[..2]);
        let mut backlog = Backlog::after(start());
        assert_eq!(backlog.deliver(all.clone(), start(), target), Err(DeliveryError::BeyondTip));
        assert_eq!(backlog.deliver(all[..2].to_vec(), start(), target).map(|out| out.len()), Ok(2));
    }

    #[test]
    fn memory_for_a_backlog_is_bounded() {
        let target = Tip { count: MessageNumber::new(1000), ..start() };
        let mut backlog = Backlog::after(start());
        let code = vec![0; phala_types::limits::CODE_BYTES_MAX as usize];
        let mut number = MessageNumber::new(0);
        let last = loop {
            let body = ClusterMessage::CodeUploaded { code: code.clone().try_into().unwrap() };
            let message = Message { number, block: BlockNumber::new(1), timestamp: Millis::new(1), body };
            match backlog.deliver(vec![message], start(), target) {
                Ok(_) => number = number.next().unwrap(),
                Err(error) => break error,
            }
        };
        assert_eq!(last, DeliveryError::TooLong);
        assert!(number.value() > 100);
    }
}
