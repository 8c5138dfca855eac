//! tokio: a task for each connection, all of them on the runtime of one thread.

use std::io::Result;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{signal, SignalKind};

async fn echo(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 65536];
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length]).await?;
    }
}

/// TcpListener::bind() has a queue of 1024: this one is as long as the system grants.
fn listen(port: &str) -> Result<TcpListener> {
    let address = format!("127.0.0.1:{port}");
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address.parse().expect("usage: tokio PORT"))?;
    socket.listen(4096)
}

async fn serve(listener: TcpListener) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(echo(stream));
    }
}

async fn run(port: &str) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = listen(port)?;
    println!("listening");
    tokio::spawn(serve(listener));
    terminate.recv().await;
    Ok(())
}

fn main() -> Result<()> {
    let port = std::env::args().nth(1).expect("usage: tokio PORT");
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?
        .block_on(run(&port))
}
