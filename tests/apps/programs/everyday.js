// What Node programs do: compiled hot loops, workers, children, streams and servers; prints the same in every run.

'use strict';
const assert = require('assert');
const { Worker, isMainThread, workerData, parentPort } = require('worker_threads');
const childProcess = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const { promisify } = require('util');
const zlib = require('zlib');

function hot(n) {
	let a = 0;
	for (let i = 0; i < n; i++)
		a = (a * 31 + (i ^ (a >>> 3))) | 0;
	return a;
}

// deoptimised and compiled again when the types change
function shapes() {
	let sum = 0;
	for (let i = 0; i < 200000; i++) {
		const o = i % 1000 === 999 ? { y: 1, x: 'a' } : { x: i };
		sum += typeof o.x === 'number' ? o.x % 3 : 1;
	}
	return sum;
}

async function workers() {
	const counter = new Int32Array(new SharedArrayBuffer(8));
	const results = await Promise.all([1, 2, 3, 4].map((n) => new Promise((resolve, reject) => {
		const worker = new Worker(__filename, { workerData: { counter, n } });
		let result;
		worker.on('message', (message) => { result = message; });
		worker.on('error', reject);
		worker.on('exit', (code) => resolve([result, code]));
	})));
	console.log('workers', JSON.stringify(results), Atomics.load(counter, 0));
}

function work({ counter, n }) {
	for (let i = 0; i < 1000; i++)
		Atomics.add(counter, 0, 1);
	// sleeps on a futex until its predecessor has come
	while (Atomics.load(counter, 1) < n - 1)
		Atomics.wait(counter, 1, Atomics.load(counter, 1), 1000);
	Atomics.add(counter, 1, 1);
	Atomics.notify(counter, 1);
	parentPort.postMessage(hot(1000000 * n));
}

async function children() {
	const { stdout } = await promisify(childProcess.execFile)('sh', ['-c', 'echo out; ls /nowhere 2>/dev/null; true']);
	console.log('execFile', stdout.trim());
	console.log('sync', childProcess.execSync('tr a-z A-Z', { input: 'shout' }).toString(),
		childProcess.spawnSync('sh', ['-c', 'kill -KILL $$']).signal, childProcess.spawnSync('/nowhere').error.code);
	const forked = childProcess.fork(__filename, ['child']);
	forked.send({ n: 20 });
	console.log('fork', await new Promise((resolve) => forked.on('message', resolve)),
		await new Promise((resolve) => forked.on('exit', resolve)));
	const many = await Promise.all(Array.from({ length: 30 }, (_, n) => new Promise((resolve) =>
		childProcess.spawn('sh', ['-c', `exit ${n}`]).on('exit', resolve))));
	console.log('spawned', many.join(' '));
}

async function files() {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-'));
	await Promise.all(Array.from({ length: 50 }, (_, n) => fs.promises.writeFile(`${folder}/f${n}`, 'x'.repeat(n * 100))));
	const sizes = await Promise.all((await fs.promises.readdir(folder)).map(async (name) =>
		(await fs.promises.stat(`${folder}/${name}`)).size));
	console.log('files', sizes.reduce((a, b) => a + b));
	const changed = new Promise((resolve) => {
		const watcher = fs.watch(folder, (event, name) => { watcher.close(); resolve(name); });
	});
	fs.writeFileSync(`${folder}/new`, 'x');
	console.log('watched', await changed);
	fs.rmSync(folder, { recursive: true });
}

async function pool() {
	const keys = await Promise.all([1, 2, 3, 4, 5, 6].map((n) =>
		promisify(crypto.pbkdf2)('password', `salt${n}`, 20000, 16, 'sha256')));
	console.log('pbkdf2', keys.map((key) => key.toString('hex').slice(0, 8)).join(' '));
	const data = Buffer.alloc(1 << 20, 'compress me ');
	const packed = await promisify(zlib.gzip)(data);
	assert((await promisify(zlib.gunzip)(packed)).equals(data));
	console.log('gzip', packed.length < 10000);
}

async function server() {
	const socket = path.join(os.tmpdir(), `node-${process.pid}.sock`);
	const listening = http.createServer((request, response) => request.pipe(response));
	await new Promise((resolve) => listening.listen(socket, resolve));
	const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => new Promise((resolve, reject) => {
		const request = http.request({ socketPath: socket, method: 'POST', path: '/' }, (response) => {
			let size = 0;
			response.on('data', (part) => { size += part.length; }).on('end', () => resolve(size));
		}).on('error', reject);
		request.end('y'.repeat(n * 1000));
	})));
	console.log('http', answers.reduce((a, b) => a + b));
	listening.close();
}

async function main() {
	console.log('hot', hot(20000000), shapes());
	// (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
	const code = Buffer.from('0061736d0100000001070160027f7f017f03020100070701036164640000' +
		'0a09010700200020016a0b', 'hex');
	console.log('wasm', (await WebAssembly.instantiate(code)).instance.exports.add(40, 2));
	await workers();
	await children();
	await files();
	await pool();
	await server();
	process.once('SIGUSR2', () => console.log('SIGUSR2'));
	process.kill(process.pid, 'SIGUSR2');
	await new Promise((resolve) => setTimeout(resolve, 50));
}

if (!isMainThread)
	work(workerData);
else if (process.argv[2] === 'child')
	process.once('message', ({ n }) => { process.send(n * 2); process.disconnect(); process.exitCode = 3; });
else
	main();
