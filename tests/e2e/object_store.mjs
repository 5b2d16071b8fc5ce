// A real object store for the tests: S3 with signatures that are checked, on loopback. Its folder and its port are the
// arguments; the access key and its secret half are S3RVER, the bucket is "backups".
import S3rver from '@20minutes/s3rver'

const [directory, port] = process.argv.slice(2)
await new S3rver({
  directory,
  address: '127.0.0.1',
  port: Number(port),
  silent: true,
  vhostBuckets: false,
  configureBuckets: [{ name: 'backups' }],
}).run()
