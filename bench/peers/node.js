#!/usr/bin/env node
// Node's net module: the socket piped into itself, as in its documentation.
'use strict';

const net = require('node:net');

const [port] = process.argv.slice(2);
if (port === undefined) {
    console.error('usage: node PORT');
    process.exit(2);
}

const server = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
});
process.on('SIGTERM', () => process.exit(0));
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 }, () => {
    console.log('listening');
});
