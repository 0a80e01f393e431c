package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

type roleKeys struct {
	Keys      []string `json:"keys"`
	Threshold int      `json:"threshold"`
}

type recipe struct {
	Consistent bool `json:"consistent"`
	Keys       map[string]struct {
		Keytype string `json:"keytype"`
		Scheme  string `json:"scheme"`
		Private string `json:"private"`
	} `json:"keys"`
	Roots    []roleKeys `json:"roots"`
	Targets  roleKeys   `json:"targets"`
	Online   roleKeys   `json:"online"`
	Delegate []struct {
		roleKeys
		Delegator   string   `json:"delegator"`
		Name        string   `json:"name"`
		Terminating bool     `json:"terminating"`
		Paths       []string `json:"paths"`
		Prefixes    []string `json:"prefixes"`
	} `json:"delegate"`
	Succinct *struct {
		roleKeys
		BitLength  int    `json:"bitLength"`
		NamePrefix string `json:"namePrefix"`
	} `json:"succinct"`
	List []struct {
		Role    string           `json:"role"`
		Path    string           `json:"path"`
		Content string           `json:"content"`
		Custom  *json.RawMessage `json:"custom"`
	} `json:"list"`
	Unknown map[string]any `json:"unknown"`
}

type holder struct {
	key    *metadata.Key
	keyid  string
	signer signature.Signer
}

type writer struct {
	recipe  recipe
	folder  string
	expires time.Time
	holders map[string]holder
}

func write(recipeFile, folder string) error {
	data, err := os.ReadFile(recipeFile)
	if err != nil {
		return err
	}
	w := writer{folder: folder, expires: time.Now().Add(30 * 24 * time.Hour).UTC().Truncate(time.Second), holders: map[string]holder{}}
	if err := json.Unmarshal(data, &w.recipe); err != nil {
		return err
	}
	if err := w.openKeys(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(folder, "metadata"), 0o755); err != nil {
		return err
	}
	if err := w.writeRoots(); err != nil {
		return err
	}
	return w.writeRest()
}

func (w *writer) openKeys() error {
	for name, entry := range w.recipe.Keys {
		block, _ := pem.Decode([]byte(entry.Private))
		if block == nil {
			return fmt.Errorf("the key %s is not PEM", name)
		}
		private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return err
		}
		key, err := metadata.KeyFromPublicKey(private.(crypto.Signer).Public())
		if err != nil {
			return err
		}
		key.Type, key.Scheme = entry.Keytype, entry.Scheme
		keyid, err := key.ID()
		if err != nil {
			return err
		}
		signer, err := openSigner(private, entry.Scheme)
		if err != nil {
			return err
		}
		w.holders[name] = holder{key, keyid, signer}
	}
	return nil
}

func openSigner(private crypto.PrivateKey, scheme string) (signature.Signer, error) {
	switch scheme {
	case "ed25519":
		return signature.LoadSigner(private, crypto.Hash(0))
	case "ecdsa-sha2-nistp256":
		return signature.LoadSigner(private, crypto.SHA256)
	case "ecdsa-sha2-nistp384":
		return signature.LoadSigner(private, crypto.SHA384)
	case "rsassa-pss-sha256":
		return signature.LoadRSAPSSSigner(private.(*rsa.PrivateKey), crypto.SHA256, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	}
	return nil, fmt.Errorf("go-tuf does not know the scheme %s", scheme)
}

// sign signs with the keyids of the recipe; go-tuf makes them from the one spelling that it would have chosen.
func sign[T metadata.Roles](w *writer, meta *metadata.Metadata[T], names []string) error {
	for _, name := range names {
		if _, err := meta.Sign(w.holders[name].signer); err != nil {
			return err
		}
		meta.Signatures[len(meta.Signatures)-1].KeyID = w.holders[name].keyid
	}
	return nil
}

func (w *writer) keyids(names []string) []string {
	keyids := []string{}
	for _, name := range names {
		keyids = append(keyids, w.holders[name].keyid)
	}
	return keyids
}

func (w *writer) role(keys roleKeys) *metadata.Role {
	return &metadata.Role{KeyIDs: w.keyids(keys.Keys), Threshold: keys.Threshold}
}

func (w *writer) metadataFile(role string, version int64) string {
	name := url.PathEscape(role) + ".json"
	if role == metadata.ROOT || (w.recipe.Consistent && role != metadata.TIMESTAMP) {
		name = fmt.Sprintf("%d.%s", version, name)
	}
	return filepath.Join(w.folder, "metadata", name)
}

func (w *writer) writeRoots() error {
	for i, keys := range w.recipe.Roots {
		root := metadata.Root(w.expires)
		root.Signed.Version = int64(i + 1)
		root.Signed.ConsistentSnapshot = w.recipe.Consistent
		root.Signed.UnrecognizedFields = w.recipe.Unknown
		root.Signed.Roles = map[string]*metadata.Role{
			metadata.ROOT: w.role(keys), metadata.TARGETS: w.role(w.recipe.Targets),
			metadata.SNAPSHOT: w.role(w.recipe.Online), metadata.TIMESTAMP: w.role(w.recipe.Online),
		}
		signers := append([]string{}, keys.Keys...)
		if i > 0 {
			signers = append(signers, w.recipe.Roots[i-1].Keys...)
		}
		for _, names := range [][]string{keys.Keys, w.recipe.Targets.Keys, w.recipe.Online.Keys} {
			for _, name := range names {
				root.Signed.Keys[w.holders[name].keyid] = w.holders[name].key
			}
		}
		if err := sign(w, root, unique(signers)); err != nil {
			return err
		}
		if err := root.ToFile(w.metadataFile(metadata.ROOT, root.Signed.Version), true); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) writeRest() error {
	roles := map[string]*metadata.Metadata[metadata.TargetsType]{metadata.TARGETS: metadata.Targets(w.expires)}
	signers := map[string][]string{metadata.TARGETS: w.recipe.Targets.Keys}
	for _, delegation := range w.recipe.Delegate {
		roles[delegation.Name] = metadata.Targets(w.expires)
		signers[delegation.Name] = delegation.Keys
		delegations := w.delegations(roles[delegation.Delegator], delegation.Keys)
		delegations.Roles = append(delegations.Roles, metadata.DelegatedRole{
			Name: delegation.Name, KeyIDs: w.keyids(delegation.Keys), Threshold: delegation.Threshold,
			Terminating: delegation.Terminating, Paths: delegation.Paths, PathHashPrefixes: delegation.Prefixes,
		})
	}
	if bins := w.recipe.Succinct; bins != nil {
		delegations := w.delegations(roles[metadata.TARGETS], bins.Keys)
		delegations.SuccinctRoles = &metadata.SuccinctRoles{
			KeyIDs: w.keyids(bins.Keys), Threshold: bins.Threshold, BitLength: bins.BitLength, NamePrefix: bins.NamePrefix,
		}
		for _, name := range delegations.SuccinctRoles.GetRoles() {
			roles[name], signers[name] = metadata.Targets(w.expires), bins.Keys
		}
	}
	for _, target := range w.recipe.List {
		if err := w.list(roles[target.Role], target.Path, target.Content, target.Custom); err != nil {
			return err
		}
	}
	snapshot := metadata.Snapshot(w.expires)
	for name, targets := range roles {
		targets.Signed.UnrecognizedFields = w.recipe.Unknown
		if err := sign(w, targets, signers[name]); err != nil {
			return err
		}
		if err := targets.ToFile(w.metadataFile(name, 1), true); err != nil {
			return err
		}
		snapshot.Signed.Meta[name+".json"] = metadata.MetaFile(1)
	}
	if err := sign(w, snapshot, w.recipe.Online.Keys); err != nil {
		return err
	}
	if err := snapshot.ToFile(w.metadataFile(metadata.SNAPSHOT, 1), true); err != nil {
		return err
	}
	timestamp := metadata.Timestamp(w.expires)
	if err := sign(w, timestamp, w.recipe.Online.Keys); err != nil {
		return err
	}
	return timestamp.ToFile(w.metadataFile(metadata.TIMESTAMP, 1), true)
}

func (w *writer) delegations(from *metadata.Metadata[metadata.TargetsType], names []string) *metadata.Delegations {
	if from.Signed.Delegations == nil {
		from.Signed.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}}
	}
	for _, name := range names {
		from.Signed.Delegations.Keys[w.holders[name].keyid] = w.holders[name].key
	}
	return from.Signed.Delegations
}

func (w *writer) list(role *metadata.Metadata[metadata.TargetsType], path, content string, custom *json.RawMessage) error {
	info, err := metadata.TargetFile().FromBytes(path, []byte(content), "sha256")
	if err != nil {
		return err
	}
	info.Custom = custom
	role.Signed.Targets[path] = info
	name := filepath.Base(path)
	if w.recipe.Consistent {
		name = info.Hashes["sha256"].String() + "." + name
	}
	file := filepath.Join(w.folder, "targets", filepath.Dir(path), name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(content), 0o644)
}

func unique(names []string) []string {
	seen := map[string]bool{}
	kept := []string{}
	for _, name := range names {
		if !seen[name] {
			kept = append(kept, name)
		}
		seen[name] = true
	}
	return kept
}
