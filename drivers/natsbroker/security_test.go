package natsbroker

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/runnelflow/runnel"
	"github.com/runnelflow/runnel/broker"
	"github.com/runnelflow/runnel/schedule"
)

// serve starts a server of its own, with what a user may want of one.
func serve(t *testing.T, o *server.Options) string {
	t.Helper()
	o.Host, o.Port, o.JetStream, o.StoreDir, o.NoLog, o.NoSigs = "127.0.0.1", server.RANDOM_PORT, true, t.TempDir(), true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s.ClientURL()
}

var (
	sizes = runnel.NewMapTask("sizes[i]", func(_ context.Context, in struct {
		Text string `runnel:"texts[i]"`
	}) (int, error) {
		return len(in.Text), nil
	})
	largest = runnel.Fold("largest", "sizes", 0, func(_ context.Context, most, n int) (int, error) { return max(most, n), nil })
)

// wholeRun is a run of two tasks with a worker: small values and one that is stored.
func wholeRun(t *testing.T, b *Broker, opts ...runnel.RunOption) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runnel.NewWorker(b, sizes, largest).Run(ctx) }()
	p, err := runnel.FromTasks(sizes, largest)
	if err != nil {
		t.Fatal(err)
	}
	large := base64.StdEncoding.EncodeToString(noise(1, 200_000))
	before := everStored(t, b)
	res, err := p.Run(ctx, runnel.Values{"texts": []string{"a", large}}, append(opts, runnel.WithBroker(b))...)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := largest.Get(res); err != nil || n != len(large) {
		t.Errorf("got %d, %v", n, err)
	}
	if everStored(t, b) == before {
		t.Error("the large value was not stored")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// everStored counts the messages that stored values have had, those that are gone too.
func everStored(t *testing.T, b *Broker) uint64 {
	t.Helper()
	info, err := b.stream("values").Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.State.LastSeq
}

// connects checks that a broker works with options of the connection, and that the
// server refuses it without.
func connects(t *testing.T, url string, opts ...nats.Option) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if b, err := Connect(ctx, url, Connection(nats.MaxReconnects(0))); err == nil {
		b.Close()
		t.Error("the server takes a connection without anything")
	}
	b, err := Connect(ctx, url, Connection(opts...))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	wholeRun(t, b)
}

// authority makes certificates.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue writes a certificate and its key to files, signed by the authority, or by
// itself when there is none yet.
func (a *authority) issue(t *testing.T, name string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature,
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
		parent, signer, a.cert, a.key = c, k, c, k
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &k.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+".key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// TestTLS with an authority of one's own, with and without client certificates.
func TestTLS(t *testing.T) {
	a := &authority{dir: t.TempDir()}
	ca, _ := a.issue(t, "authority")
	cert, key := a.issue(t, "server")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(must(os.ReadFile(ca)))
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	t.Run("server", func(t *testing.T) {
		connects(t, serve(t, &server.Options{TLS: true, TLSConfig: c}), nats.RootCAs(ca))
	})
	t.Run("client", func(t *testing.T) {
		c := c.Clone()
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, pool
		mine, mineKey := a.issue(t, "client")
		connects(t, serve(t, &server.Options{TLS: true, TLSVerify: true, TLSConfig: c}), nats.RootCAs(ca), nats.ClientCert(mine, mineKey))
	})
}

// TestToken is one in the options or in the address.
func TestToken(t *testing.T) {
	url := serve(t, &server.Options{Authorization: "secret"})
	connects(t, url, nats.Token("secret"))
	b, err := Connect(t.Context(), strings.Replace(url, "nats://", "nats://secret@", 1))
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
}

// TestCredentialsFile of a user, whose account an operator has signed.
func TestCredentialsFile(t *testing.T) {
	operator, account, system, user := must(nkeys.CreateOperator()), must(nkeys.CreateAccount()), must(nkeys.CreateAccount()), must(nkeys.CreateUser())
	public := func(k nkeys.KeyPair) string { return must(k.PublicKey()) }
	oc := jwt.NewOperatorClaims(public(operator))
	oc.SystemAccount = public(system)
	ac, sc := jwt.NewAccountClaims(public(account)), jwt.NewAccountClaims(public(system))
	ac.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
	resolver := &server.MemAccResolver{}
	for _, c := range []*jwt.AccountClaims{ac, sc} {
		if err := resolver.Store(c.Subject, must(c.Encode(operator))); err != nil {
			t.Fatal(err)
		}
	}
	signed := must(jwt.DecodeOperatorClaims(must(oc.Encode(operator))))
	url := serve(t, &server.Options{TrustedOperators: []*jwt.OperatorClaims{signed}, AccountResolver: resolver, SystemAccount: oc.SystemAccount})
	uc := jwt.NewUserClaims(public(user))
	creds := must(jwt.FormatUserConfig(must(uc.Encode(account)), must(user.Seed())))
	file := filepath.Join(t.TempDir(), "user.creds")
	if err := os.WriteFile(file, creds, 0o600); err != nil {
		t.Fatal(err)
	}
	connects(t, url, nats.UserCredentials(file))
}

// TestListenAddresses: nothing is on more than loopback that does not say so.
func TestListenAddresses(t *testing.T) {
	for address, want := range map[string]string{":0": "127.0.0.1", "0": "127.0.0.1", "127.0.0.1:0": "127.0.0.1", "0.0.0.0:0": "0.0.0.0"} {
		b := embedded(t, t.TempDir(), Listen(address))
		if host := b.server.Addr().(*net.TCPAddr).IP; !host.Equal(net.ParseIP(want)) && !(want == "0.0.0.0" && host.IsUnspecified()) {
			t.Errorf("Listen(%q) listens at %v, want %s", address, host, want)
		}
		b.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for address, want := range map[string]string{l.Addr().String(): "address already in use", "here": "write it as", ":123456": "from 0 to 65535"} {
		if _, err := Embedded(t.Context(), t.TempDir(), Listen(address)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Listen(%q): got %v, want %q", address, err, want)
		}
	}
}

// operating is the guide that says which permissions are needed.
const operating = "../../docs/operating.md"

// TestPermissions: users with exactly the permissions of the guide do all there is to
// do, and use each of them.
func TestPermissions(t *testing.T) {
	page, err := os.ReadFile(operating)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```conf\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatalf("%s has no block of a server's configuration", operating)
	}
	file := filepath.Join(t.TempDir(), "server.conf")
	if err := os.WriteFile(file, block[1], 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string][]string{}
	for _, u := range o.Users {
		listed[u.Username] = u.Permissions.Publish.Allow
	}
	o.Users = append(o.Users, &server.User{Username: "all", Password: "all"})
	url := serve(t, o)
	used := map[string]bool{}
	var mu sync.Mutex
	all, err := nats.Connect(url, nats.UserInfo("all", "all"))
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	for user, subjects := range listed {
		for _, s := range subjects {
			key := user + " " + s
			if _, err := all.Subscribe(s, func(*nats.Msg) {
				mu.Lock()
				defer mu.Unlock()
				used[key] = true
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := all.Flush(); err != nil {
		t.Fatal(err)
	}
	as := func(user string, opts ...Option) *Broker {
		refused := nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { t.Errorf("user %s: %v", user, err) })
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		b, err := Connect(ctx, url, append(opts, Connection(nats.UserInfo(user, user), refused), MaxDeliveries(1), Lease(300*time.Millisecond))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return b
	}
	as("runnel", Lifetime(48*time.Hour)).Close() // the next one updates streams
	b := as("runnel")
	wholeRun(t, b)
	wholeRun(t, b, runnel.RunID("kept"))
	wholeRun(t, b, runnel.DirectResults())
	givesUp(t, b)
	if _, err := b.Schedules().Save(t.Context(), "nightly", &schedule.State{}, 0); err != nil {
		t.Error(err)
	}
	watchSchedules(t, b.Schedules())
	tool := as("operator", AsFound())
	steering := schedule.NewOperator(tool.Schedules())
	if err := steering.Pause(t.Context(), "nightly"); err != nil {
		t.Error(err)
	}
	if err := steering.Remove(t.Context(), "nightly"); err != nil {
		t.Error(err)
	}
	if _, err := tool.Queues(t.Context()); err != nil {
		t.Error(err)
	}
	if letters, err := tool.Dead(t.Context()); err != nil || len(letters) != 1 {
		t.Errorf("there are %d dead letters, %v", len(letters), err)
	}
	if err := tool.RetryDead(t.Context(), "r/task/1/#1"); err != nil {
		t.Error(err)
	}
	if err := tool.PurgeRun(t.Context(), "kept"); err != nil {
		t.Error(err)
	}
	if _, err := tool.PurgeQueue(t.Context(), "q"); err != nil {
		t.Error(err)
	}
	if _, err := Connect(t.Context(), url, Namespace("other"), AsFound(), Connection(nats.UserInfo("operator", "operator"))); err == nil || !strings.Contains(err.Error(), "namespaces there are runnel") {
		t.Errorf("another namespace: %v", err)
	}
	b.Close()
	for err := tool.PurgeAll(t.Context()); err != nil; err = tool.PurgeAll(t.Context()) {
		if !strings.Contains(err.Error(), "are alive") {
			t.Fatal(err)
		}
		<-time.After(50 * time.Millisecond)
	}
	if err := all.Flush(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for user, subjects := range listed {
		for _, s := range subjects {
			if !used[user+" "+s] && s != "$JS.API.CONSUMER.INFO.>" { // of a consumer whose last message was gone before it came
				t.Errorf("user %s has used no %s", user, s)
			}
		}
	}
}

// givesUp keeps a run, a job of which its worker never finishes.
func givesUp(t *testing.T, b *Broker) {
	t.Helper()
	mustOpen(t, b, keptRun("r"))
	submit(t, b, job("r", 1, "a"))
	changes := make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	receive[string](t, b, worker(t, b, "dead"))
	go b.Results(ctx, "r", func(results []*broker.Result) {
		if len(results) > 0 {
			close(changes)
		}
	})
	select {
	case <-changes:
	case <-ctx.Done():
		t.Fatal("the job was not given up")
	}
}
