//! The two listeners: one for clients, one for the relay.
//!
//! | listener | request | answer |
//! |---|---|---|
//! | clients | `GET /v1/status` | JSON of a [`WorkerStatus`] |
//! | clients | `GET /v1/inbox/{contract}` | SCALE of a [`phala_types::query::SignedInboxKey`] |
//! | clients | `POST /v1/query`, SCALE of an envelope | SCALE of a [`phala_types::query::SealedReply`] |
//! | clients | `GET /v1/finality/{block}` | SCALE of a [`phala_types::finality::FinalityProof`] |
//! | relay | `GET /relay/v1/status` | SCALE of a [`WorkerStatus`] |
//! | relay | `POST /relay/v1/input`, SCALE of a `RelayInput` | SCALE of a `RelayOutput` |
//!
//! An error is JSON: `{"error": code, "text": what to do}`.

use crate::{
    config::Config,
    engine_room::{Answer, EngineRoom, host_ms},
};
use anyhow::Context as _;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use codec::Encode;
use phala_core::Input;
use phala_types::{
    BlockNumber, ContractId, Untrusted,
    limits::{DELIVERY_BYTES_MAX, ENVELOPE_BYTES_MAX},
    query::OpenRefusal,
    relay::WorkerStatus,
};
use std::{net::SocketAddr, sync::Arc};

type Room = State<Arc<EngineRoom>>;

/// Says in every response to a client how the worker is attested.
const TIER_HEADER: HeaderName = HeaderName::from_static("phala-attestation-tier");

/// Serves until the process is told to stop.
pub async fn serve(config: &Config, room: Arc<EngineRoom>) -> anyhow::Result<()> {
    let clients = listen(config.public, "--public").await?;
    let relay = listen(config.relay, "--relay").await?;
    let tier = serde_json::to_string(&room.status().await.map(|status| status.tier).ok())?;
    let tier = HeaderValue::from_str(tier.trim_matches('"'))?;
    tracing::info!(clients = %config.public, relay = %config.relay, "the worker listens");
    let clients = axum::serve(clients, clients_router(room.clone(), tier)).with_graceful_shutdown(stop());
    let relay = axum::serve(relay, relay_router(room)).with_graceful_shutdown(stop());
    tokio::try_join!(clients.into_future(), relay.into_future())?;
    Ok(())
}

async fn listen(address: SocketAddr, option: &str) -> anyhow::Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} cannot be listened on; choose another address with {option}"))
}

async fn stop() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(_) => return drop(tokio::signal::ctrl_c().await),
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// The clients' listener.
pub fn clients_router(room: Arc<EngineRoom>, tier: HeaderValue) -> Router {
    Router::new()
        .route("/v1/status", get(status_json))
        .route("/v1/inbox/{contract}", get(inbox))
        .route("/v1/query", post(query))
        .route("/v1/finality/{block}", get(finality))
        .layer(DefaultBodyLimit::max(ENVELOPE_BYTES_MAX as usize))
        .layer(axum::middleware::map_response(move |mut response: Response| {
            let headers = response.headers_mut();
            headers.insert(TIER_HEADER, tier.clone());
            // Browsers may ask from any page: what is secret is sealed, and nothing depends on who sends it.
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            std::future::ready(response)
        }))
        .with_state(room)
}

/// The relay's listener.
pub fn relay_router(room: Arc<EngineRoom>) -> Router {
    Router::new()
        .route("/relay/v1/status", get(status_scale))
        .route("/relay/v1/input", post(input))
        .layer(DefaultBodyLimit::max(DELIVERY_BYTES_MAX))
        .with_state(room)
}

fn scale(value: &impl Encode) -> Response {
    ([(header::CONTENT_TYPE, "application/octet-stream")], value.encode()).into_response()
}

fn error(status: StatusCode, code: &str, text: &str) -> Response {
    let body = serde_json::json!({ "error": code, "text": text }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn overloaded() -> Response {
    error(
        StatusCode::SERVICE_UNAVAILABLE,
        "overloaded",
        "the worker has as many requests waiting as it takes; ask again",
    )
}

fn refusal(refusal: OpenRefusal) -> Response {
    match refusal {
        OpenRefusal::MalformedEnvelope => {
            error(StatusCode::BAD_REQUEST, "malformed_envelope", "the body is not the SCALE of an envelope")
        }
        OpenRefusal::ForeignCiphertext => error(
            StatusCode::BAD_REQUEST,
            "foreign_ciphertext",
            "the envelope was sealed for another network, worker or key; fetch the worker's record from the chain again",
        ),
        OpenRefusal::NotServing => error(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_serving",
            "the worker is not serving; GET /v1/status says why",
        ),
    }
}

async fn status_of(room: &EngineRoom) -> Result<WorkerStatus, Response> {
    room.status().await.map_err(|_| overloaded())
}

async fn status_json(State(room): Room) -> Response {
    match status_of(&room).await {
        Ok(status) => match serde_json::to_string(&status) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Err(response) => response,
    }
}

async fn status_scale(State(room): Room) -> Response {
    match status_of(&room).await {
        Ok(status) => scale(&status),
        Err(response) => response,
    }
}

async fn input(State(room): Room, body: Bytes) -> Response {
    match room.ask(Input::Relay(Untrusted::new(body.to_vec()))).await {
        Ok(Answer::Relay(output)) => scale(&output),
        Ok(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(_) => overloaded(),
    }
}

async fn query(State(room): Room, body: Bytes) -> Response {
    let envelope = Untrusted::new(body.to_vec());
    let host_ms = Untrusted::new(host_ms());
    match room.ask(Input::Query { envelope, host_ms }).await {
        Ok(Answer::Reply(Ok(reply))) => scale(&reply),
        Ok(Answer::Reply(Err(refused))) => refusal(refused),
        Ok(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(_) => overloaded(),
    }
}

async fn inbox(State(room): Room, Path(contract): Path<String>) -> Response {
    let Ok(contract) = contract.parse::<ContractId>() else {
        return error(
            StatusCode::BAD_REQUEST,
            "malformed_contract",
            "a contract id is 64 hexadecimal digits",
        );
    };
    match room.ask(Input::InboxKey(contract)).await {
        Ok(Answer::InboxKey(Ok(key))) => scale(&key),
        Ok(Answer::InboxKey(Err(refused))) => refusal(refused),
        Ok(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(_) => overloaded(),
    }
}

async fn finality(State(room): Room, Path(block): Path<u32>) -> Response {
    match room.proof(BlockNumber::new(block)) {
        Some(proof) => scale(&proof),
        None => error(
            StatusCode::NOT_FOUND,
            "unknown_block",
            "the worker keeps the proofs of its last few hundred heads only; ask for a newer one, or ask the chain",
        ),
    }
}
