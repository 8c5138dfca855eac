// Boost.Asio, in the style of callbacks, after its tutorial's echo server.

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <utility>

#include <boost/asio.hpp>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket socket) : socket_(std::move(socket)) {}

    void read()
    {
        socket_.async_read_some(asio::buffer(buffer_),
                                [self = shared_from_this()](error_code error, std::size_t length) {
                                    if (!error) {
                                        self->write(length);
                                    }
                                });
    }

private:
    void write(std::size_t length)
    {
        asio::async_write(socket_, asio::buffer(buffer_, length),
                          [self = shared_from_this()](error_code error, std::size_t) {
                              if (!error) {
                                  self->read();
                              }
                          });
    }

    tcp::socket socket_;
    std::array<char, 65536> buffer_;
};

static void accept(tcp::acceptor &acceptor)
{
    acceptor.async_accept([&acceptor](error_code error, tcp::socket socket) {
        if (!error) {
            socket.set_option(tcp::no_delay(true), error);
            std::make_shared<session>(std::move(socket))->read();
        }
        accept(acceptor);
    });
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "usage: asio PORT\n";
        return 2;
    }
    auto port = static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10));
    asio::io_context context{1}; // one thread runs it
    asio::signal_set terminate{context, SIGTERM};
    terminate.async_wait([&context](error_code, int) { context.stop(); });
    tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), port}};
    accept(acceptor);
    std::cout << "listening" << std::endl;
    context.run();
}
