// FerretDB on SQLite: the MongoDB protocol on loopback, for trying out and for tests.
package main

import (
	"context"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// FerretDB 1 reads a document and writes it in two steps, where MongoDB does so in one: a guarded update could be
// undone by another one at the same moment. Requests therefore pass one at a time.
var turn sync.Mutex

// Usage: ferretdb ADDRESS FOLDER
func main() {
	address, folder := os.Args[1], os.Args[2]
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Handler:   "sqlite",
		SQLiteURL: "file:" + folder + "/",
	})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go accept(ctx, listener, server)
	if err := server.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

func accept(ctx context.Context, listener net.Listener, server *ferretdb.FerretDB) {
	behind, err := url.Parse(server.MongoDBURI())
	if err != nil {
		log.Fatal(err)
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(ctx, client, behind.Host)
	}
}

func serve(ctx context.Context, client net.Conn, behind string) {
	defer client.Close()
	server, err := net.Dial("tcp", behind)
	if err != nil {
		return
	}
	defer server.Close()
	// FerretDB ends three seconds late where somebody is still connected.
	defer context.AfterFunc(ctx, func() { server.Close() })()
	for {
		request, err := message(client)
		if err != nil {
			return
		}
		answer, err := exchange(server, request)
		if err != nil {
			return
		}
		if _, err = client.Write(answer); err != nil {
			return
		}
	}
}

func exchange(server net.Conn, request []byte) ([]byte, error) {
	turn.Lock()
	defer turn.Unlock()
	if _, err := server.Write(request); err != nil {
		return nil, err
	}
	return message(server)
}

// A message of the wire protocol: its first four bytes are its length, little-endian, themselves included.
func message(source io.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(source, head); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(head)
	if length < 16 || length > 48_000_000 {
		return nil, io.ErrUnexpectedEOF
	}
	whole := make([]byte, length)
	copy(whole, head)
	_, err := io.ReadFull(source, whole[4:])
	return whole, err
}
