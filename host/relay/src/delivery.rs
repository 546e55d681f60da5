//! How messages are cut into deliveries that the worker takes.

use codec::Encode as _;
use phala_types::{
    List,
    limits::{DELIVERY_BYTES_MAX, DELIVERY_MESSAGES_MAX},
    mailbox::Message,
    relay::RelayInput,
};

/// What surrounds the messages of a delivery: the input's index and the list's length.
const OVERHEAD_BYTES: usize = 8;

/// Cuts messages into deliveries within the limits, in their order. A message that does not fit a delivery by itself
/// cannot be: the chain bounds messages well below it. Should one be there, it and all after it are left out.
pub fn deliveries(messages: Vec<Message>) -> Vec<RelayInput> {
    let mut deliveries = Vec::new();
    let mut batch = Vec::new();
    let mut bytes = OVERHEAD_BYTES;
    for message in messages {
        let size = message.encoded_size();
        if OVERHEAD_BYTES + size > DELIVERY_BYTES_MAX {
            break;
        }
        if bytes + size > DELIVERY_BYTES_MAX || batch.len() >= DELIVERY_MESSAGES_MAX as usize {
            deliveries.push(delivery(std::mem::take(&mut batch)));
            bytes = OVERHEAD_BYTES;
        }
        bytes += size;
        batch.push(message);
    }
    if !batch.is_empty() {
        deliveries.push(delivery(batch));
    }
    deliveries
}

fn delivery(batch: Vec<Message>) -> RelayInput {
    RelayInput::Messages(List::truncate_from(batch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use phala_types::{BlockNumber, MessageNumber, Millis, cluster::ClusterMessage, limits::CODE_BYTES_MAX};

    fn message(number: u64, size: usize) -> Message {
        Message {
            number: MessageNumber::new(number),
            block: BlockNumber::new(1),
            timestamp: Millis::new(1),
            body: ClusterMessage::CodeUploaded { code: vec![7; size].try_into().unwrap() },
        }
    }

    fn numbers(deliveries: &[RelayInput]) -> Vec<Vec<u64>> {
        deliveries
            .iter()
            .map(|delivery| match delivery {
                RelayInput::Messages(list) => list.iter().map(|message| message.number.value()).collect(),
                other => panic!("not a delivery of messages: {other:?}"),
            })
            .collect()
    }

    #[test]
    fn nothing_to_deliver_is_no_delivery() {
        assert!(deliveries(vec![]).is_empty());
    }

    #[test]
    fn deliveries_keep_all_messages_in_their_order_and_stay_within_the_limits() {
        let largest = CODE_BYTES_MAX as usize;
        let messages = vec![
            message(0, 10),
            message(1, largest),
            message(2, largest),
            message(3, largest),
            message(4, 10),
        ];
        let cut = deliveries(messages);
        assert_eq!(numbers(&cut), [vec![0, 1, 2], vec![3, 4]]);
        assert!(cut.iter().all(|delivery| delivery.encoded_size() <= DELIVERY_BYTES_MAX));
    }

    #[test]
    fn delivery_has_at_most_as_many_messages_as_the_worker_takes() {
        let count = u64::from(DELIVERY_MESSAGES_MAX);
        let cut = deliveries((0..count + 1).map(|number| message(number, 1)).collect());
        assert_eq!(cut.len(), 2);
        assert_eq!(numbers(&cut)[1], [count]);
    }

    #[test]
    fn two_of_the_largest_messages_fit_one_delivery() {
        let largest = CODE_BYTES_MAX as usize;
        assert_eq!(deliveries(vec![message(0, largest), message(1, largest)]).len(), 1);
    }
}
