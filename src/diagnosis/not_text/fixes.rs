//! Lines of code that fix a sender, for the implementation that it was recognised as, else for two that are common.

use super::BadText;
use crate::diagnosis::case::Case;
use crate::diagnosis::finding::Finding;
use crate::ids::Side;

/// What a line of code shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Send bytes in a binary message.
    Binary,
    /// Send a string so that the library encodes it as UTF-8.
    Text,
    /// Switch permessage-deflate off.
    Uncompressed,
}

/// A line that does it on `side`; for an unknown implementation one line for each of two common ones.
#[must_use]
pub fn example(case: &Case<'_>, side: Side, line: Line) -> Option<String> {
    match case.implementation(side) {
        Some(identified) => {
            for_implementation(&identified.implementation.id.to_string(), side, line).map(str::to_owned)
        }
        None => Some(
            match line {
                Line::Binary => concat!(
                    "ws.send(buffer, { binary: true })    // ws for Node.js\n",
                    "await websocket.send(data)           # websockets for Python: bytes go as binary"
                ),
                Line::Text => concat!(
                    "ws.send(text)                        // a string, never a Buffer with { binary: false }\n",
                    "await websocket.send(text)           # str, never str(data) or data.decode('latin-1')"
                ),
                Line::Uncompressed => concat!(
                    "new WebSocket(url, { perMessageDeflate: false })   // ws for Node.js\n",
                    "connect(uri, compression=None)                     # websockets for Python"
                ),
            }
            .to_owned(),
        ),
    }
}

fn for_implementation(id: &str, side: Side, line: Line) -> Option<&'static str> {
    let lines: [&'static str; 3] = match id {
        "node-ws" | "fastify-websocket" | "nestjs-ws" | "y-websocket-server" | "hocuspocus" => [
            "ws.send(buffer, { binary: true })",
            "ws.send(buffer.toString('utf8'))",
            match side {
                Side::Client => "new WebSocket(url, { perMessageDeflate: false })",
                Side::Server => "new WebSocketServer({ port, perMessageDeflate: false })",
            },
        ],
        "chromium" | "firefox" | "webkit" | "deno" | "undici" => {
            ["socket.send(arrayBuffer)   // or a Blob: both go as binary", "socket.send(text)   // a string", ""]
        }
        "bun" | "bun-before-1-4-4" | "uwebsockets" => {
            ["ws.send(buffer, true)   // true: binary", "ws.send(text, false)   // a string", ""]
        }
        "websocket-node" => ["connection.sendBytes(buffer)", "connection.sendUTF(text)", ""],
        "python-websockets" | "python-websockets-legacy" => [
            "await websocket.send(data)   # bytes go as binary",
            "await websocket.send(data.decode('utf-8'))   # str goes as text",
            match side {
                Side::Client => "connect(uri, compression=None)",
                Side::Server => "serve(handler, host, port, compression=None)",
            },
        ],
        "aiohttp" => [
            "await ws.send_bytes(data)",
            "await ws.send_str(text)",
            match side {
                Side::Client => "session.ws_connect(url, compress=0)",
                Side::Server => "web.WebSocketResponse(compress=False)",
            },
        ],
        "tornado" => ["self.write_message(data, binary=True)", "self.write_message(text)   # str", ""],
        "starlette" | "uvicorn-websockets-sansio" | "uvicorn-websockets-legacy" | "uvicorn-wsproto" | "hypercorn" => [
            "await websocket.send_bytes(data)",
            "await websocket.send_text(text)",
            "uvicorn app:app --ws-per-message-deflate false",
        ],
        "websocket-client" => ["ws.send_binary(data)", "ws.send_text(text)   # str", ""],
        "gorilla" | "fasthttp-websocket" => [
            "conn.WriteMessage(websocket.BinaryMessage, data)",
            "conn.WriteMessage(websocket.TextMessage, []byte(text))   // only if utf8.ValidString(text)",
            "websocket.Upgrader{EnableCompression: false}",
        ],
        "coder-websocket" => [
            "conn.Write(ctx, websocket.MessageBinary, data)",
            "conn.Write(ctx, websocket.MessageText, []byte(text))   // only if utf8.ValidString(text)",
            "websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled}",
        ],
        "tomcat" | "jetty" | "tyrus" | "undertow" => [
            "session.getBasicRemote().sendBinary(ByteBuffer.wrap(data));",
            "session.getBasicRemote().sendText(new String(data, StandardCharsets.UTF_8));",
            "",
        ],
        "java-websocket" => [
            "socket.send(data);   // byte[] goes as binary",
            "socket.send(new String(data, StandardCharsets.UTF_8));",
            "",
        ],
        "spring-websocket" => [
            "session.sendMessage(new BinaryMessage(data));",
            "session.sendMessage(new TextMessage(text.getBytes(StandardCharsets.UTF_8)));",
            "",
        ],
        "netty" | "reactor-netty" => [
            "channel.writeAndFlush(new BinaryWebSocketFrame(buffer));",
            "channel.writeAndFlush(new TextWebSocketFrame(text));   // a String, not a ByteBuf",
            "",
        ],
        "okhttp" => ["webSocket.send(ByteString.of(data));", "webSocket.send(text);   // a String", ""],
        "aspnetcore" => [
            "await socket.SendAsync(data, WebSocketMessageType.Binary, true, token);",
            "await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, token);",
            "",
        ],
        "tungstenite" | "axum" => ["socket.send(Message::Binary(data.into())).await?;", "", ""],
        "websocketpp" => ["endpoint.send(handle, data, size, websocketpp::frame::opcode::binary);", "", ""],
        "boost-beast" => ["ws.binary(true);", "ws.text(true);", ""],
        _ => ["", "", ""],
    };
    let [binary, text, uncompressed] = lines;
    let found = match line {
        Line::Binary => binary,
        Line::Text => text,
        Line::Uncompressed => uncompressed,
    };
    Some(found).filter(|l| !l.is_empty())
}

/// Whether `side` may be a Java program: it was not recognised, or as one.
#[must_use]
pub fn may_be_java(case: &Case<'_>, side: Side) -> bool {
    case.implementation(side).is_none_or(|identified| {
        let java = for_implementation(&identified.implementation.id.to_string(), side, Line::Text);
        java.is_some_and(|line| line.contains("StandardCharsets"))
    })
}

/// A line that decodes bytes in `encoding` and sends the string, so that the library encodes it as UTF-8.
#[must_use]
pub fn decoded(case: &Case<'_>, side: Side, encoding: &str) -> Option<String> {
    let javascript = format!("ws.send(new TextDecoder('{encoding}').decode(data))");
    let python = format!("await websocket.send(data.decode('{encoding}'))");
    let Some(identified) = case.implementation(side) else {
        return Some(format!("{javascript}   // ws for Node.js\n{python}   # websockets for Python"));
    };
    let id = identified.implementation.id.to_string();
    match id.as_str() {
        "node-ws" | "chromium" | "firefox" | "webkit" | "deno" | "undici" | "bun" | "fastify-websocket" => {
            Some(javascript)
        }
        "python-websockets" | "python-websockets-legacy" => Some(python),
        "tomcat" | "jetty" | "tyrus" | "undertow" | "java-websocket" | "okhttp" | "spring-websocket" => {
            Some(format!("String text = new String(data, Charset.forName(\"{encoding}\"));"))
        }
        _ => for_implementation(&id, side, Line::Text).map(str::to_owned),
    }
}

/// Adds the sender's fix, and the echoing side's where the message is an echo.
#[must_use]
pub fn sender(case: &Case<'_>, bad: &BadText<'_>, mut finding: Finding, text: &str, line: Option<Line>) -> Finding {
    let from = match bad.echo_of {
        Some(_) => bad.suspect.refusal.by,
        None => bad.suspect.from,
    };
    finding = finding.with_fix(from.into(), text, line.and_then(|l| example(case, from, l)), None);
    if bad.echo_of.is_some() {
        let echoer = bad.suspect.from;
        let check = match case.implementation(echoer).map(|i| i.implementation.id.to_string()).as_deref() {
            Some("gorilla" | "fasthttp-websocket" | "gobwas" | "golang-x-net-websocket") => Some(
                "if messageType == websocket.TextMessage && !utf8.Valid(data) { /* refuse with 1007 */ }".to_owned(),
            ),
            _ => None,
        };
        finding = finding.with_fix(
            echoer.into(),
            "check that a text is UTF-8 before passing it on: its WebSocket library does not.",
            check,
            None,
        );
    }
    finding
}
