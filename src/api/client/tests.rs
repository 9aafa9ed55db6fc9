//! Tests of the client over scripted answers, in virtual time.

use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::api::catalogue::Action;
use crate::api::credentials::{CredentialSource, Secret};
use crate::api::error::NO_ANSWER;
use crate::api::http::BoxFuture;
use crate::api::log::line;
use crate::api::signature::decode_pairs;
use crate::api::sleep::VirtualSleep;
use crate::environment::{ManualClock, MemoryFiles, SeededIds};

const START: i64 = 1_456_231_584_000;
const LIST: &str = r#"{"RequestId":"R-ok","TotalCount":0,"NatGateways":{"NatGateway":[]}}"#;
const THROTTLED: &str = r#"{"RequestId":"R-t","Code":"Throttling.User","Message":"slow"}"#;

type Step = Result<(u16, &'static str), TransportError>;

/// Answers from a script, then always with an empty list, and remembers what it was sent and when.
struct Script {
    steps: Mutex<Vec<Step>>,
    requests: Mutex<Vec<(i64, HttpRequest)>>,
    clock: ManualClock,
    headers: Vec<(String, String)>,
}

impl Transport for Script {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        self.requests.lock().unwrap().push((self.clock.now().0 - START, request));
        let mut steps = self.steps.lock().unwrap();
        let step = if steps.is_empty() { Ok((200, LIST)) } else { steps.remove(0) };
        let headers = self.headers.clone();
        Box::pin(async move {
            let (status, body) = step?;
            Ok(HttpResponse { status, headers, body: body.as_bytes().to_vec() })
        })
    }
}

#[derive(Default)]
struct Memory(Mutex<Vec<String>>);

impl RequestLog for Memory {
    fn level(&self) -> Level {
        Level::Debug
    }

    fn record(&self, entry: &LogEntry) {
        self.0.lock().unwrap().push(line(entry));
    }
}

struct Bench {
    client: Client,
    script: Arc<Script>,
    log: Arc<Memory>,
}

impl Bench {
    fn new(steps: Vec<Step>) -> Self {
        Self::with(steps, Vec::new(), |_| {})
    }

    fn with(
        steps: Vec<Step>,
        headers: Vec<(String, String)>,
        change: impl FnOnce(&mut ClientSettings),
    ) -> Self {
        let clock = ManualClock::at(Timestamp(START));
        let environment = Environment {
            clock: Arc::new(clock.clone()),
            ids: Arc::new(SeededIds::new(7)),
            files: Arc::new(MemoryFiles::default()),
            variables: Arc::default(),
            working_directory: "/".into(),
        };
        let sleeper = Arc::new(VirtualSleep::new(clock.clone()));
        let script = Arc::new(Script {
            steps: Mutex::new(steps),
            requests: Mutex::default(),
            clock,
            headers,
        });
        let log = Arc::new(Memory::default());
        let mut settings =
            ClientSettings::new(Endpoint::Embedded, Credentials::test_account(), "cn-hangzhou");
        change(&mut settings);
        let client = Client::new(settings, script.clone(), &environment, sleeper, log.clone());
        Self { client, script, log }
    }

    fn times(&self) -> Vec<i64> {
        self.script.requests.lock().unwrap().iter().map(|(time, _)| *time).collect()
    }

    fn request(&self, index: usize) -> HttpRequest {
        self.script.requests.lock().unwrap()[index].1.clone()
    }

    async fn read(&self, seconds: i64) -> Result<Answer, ApiError> {
        let deadline = Timestamp(START + seconds * 1000);
        let call = Call::new(Action::DescribeNatGateways);
        self.client.read(&call, deadline).await.map(|(answer, _)| answer)
    }
}

fn parameters(request: &HttpRequest) -> BTreeMap<String, String> {
    decode_pairs(request.target.strip_prefix("/?").unwrap()).unwrap().into_iter().collect()
}

fn no_answer() -> TransportError {
    TransportError::NoAnswer { host: "host:1".to_owned(), why: "reset".to_owned() }
}

fn not_sent() -> TransportError {
    TransportError::NotSent { host: "host:1".to_owned(), why: "refused".to_owned() }
}

#[test]
fn clients_and_their_calls_move_between_threads() {
    fn moves<T: Send>(_: &T) {}
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    let bench = Bench::new(vec![]);
    shared(&bench.client);
    let call = Call::new(Action::DescribeNatGateways);
    moves(&bench.client.send(&call));
    moves(&bench.client.read(&call, Timestamp(0)));
}

#[tokio::test]
async fn a_request_is_signed_over_everything_it_carries() {
    let bench = Bench::new(vec![]);
    let call = Call::new(Action::DescribeNatGateways).with("Name", "a b*~é/+&=%");
    bench.client.send(&call).await.unwrap();
    bench.client.send(&call).await.unwrap();
    let request = bench.request(0);
    assert_eq!(request.method, "GET");
    assert!(request.body.is_empty());
    let first = parameters(&request);
    assert_eq!(first["Name"], "a b*~é/+&=%");
    assert_eq!(first["RegionId"], "cn-hangzhou");
    assert_eq!(first["Action"], "DescribeNatGateways");
    assert_eq!(first["Version"], "2016-04-28");
    assert_eq!(first["Format"], "JSON");
    assert_eq!(first["AccessKeyId"], "testid");
    assert_eq!(first["Timestamp"], "2016-02-23T12:46:24Z");
    assert!(!first.contains_key("SecurityToken"));
    assert_eq!(first["Signature"], sign("testsecret", &string_to_sign("GET", &first)));
    let second = parameters(&bench.request(1));
    assert_ne!(first["SignatureNonce"], second["SignatureNonce"]);
}

#[tokio::test]
async fn a_region_of_the_call_s_own_stays_and_temporary_credentials_send_their_token() {
    let bench = Bench::with(vec![], vec![], |settings| {
        settings.credentials = Credentials {
            access_key_id: "id".to_owned(),
            access_key_secret: Secret::new("secret"),
            security_token: Some(Secret::new("a/b+c==")),
            source: CredentialSource::Variables,
        };
    });
    let call = Call::new(Action::DescribeNatGateways).with("RegionId", "eu-west-1");
    bench.client.send(&call).await.unwrap();
    let sent = parameters(&bench.request(0));
    assert_eq!(sent["RegionId"], "eu-west-1");
    assert_eq!(sent["SecurityToken"], "a/b+c==");
    assert_eq!(sent["Signature"], sign("secret", &string_to_sign("GET", &sent)));
}

#[tokio::test]
async fn sending_makes_one_attempt_whatever_happens() {
    for (step, code, definite) in [
        (Err(no_answer()), NO_ANSWER, false),
        (Err(not_sent()), NOT_SENT, true),
        (Ok((400, THROTTLED)), "Throttling.User", false),
        (Ok((500, r#"{"Code":"InternalError","Message":"m"}"#)), "InternalError", false),
        (Ok((200, "<html>")), UNREADABLE_ANSWER, false),
        (Ok((200, "{}")), UNREADABLE_ANSWER, false),
        (Ok((400, r#"{"Code":"QuotaExceeded","Message":"m"}"#)), "QuotaExceeded", true),
    ] {
        let bench = Bench::new(vec![step]);
        let call = Call::new(Action::CreateForwardEntry);
        let error = bench.client.send(&call).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.is_definite()), (code, definite));
        assert_eq!(bench.times(), [0]);
    }
}

#[tokio::test]
async fn reading_waits_longer_each_time_until_it_succeeds() {
    let down = Ok((503, r#"{"Code":"ServiceUnavailable","Message":"m"}"#));
    let bench = Bench::new(vec![Err(no_answer()), down, Err(no_answer()), Ok((200, "<html>"))]);
    assert_eq!(bench.read(60).await.unwrap().request_id, "R-ok");
    // A server that is not available is asked again as one that throttles.
    assert_eq!(bench.times(), [0, 500, 504, 2504, 6504]);
}

#[tokio::test]
async fn reading_ends_at_its_deadline_with_the_last_error() {
    let bench = Bench::new(vec![Err(no_answer()); 100]);
    let error = bench.read(5).await.unwrap_err();
    assert_eq!(error.code, NO_ANSWER);
    assert_eq!(bench.times(), [0, 500, 1500, 3500]);
}

#[tokio::test]
async fn reading_gives_up_early_where_waiting_rarely_helps() {
    let bench = Bench::new(vec![Err(not_sent()); 100]);
    assert_eq!(bench.read(3600).await.unwrap_err().code, NOT_SENT);
    assert_eq!(bench.times().len(), 4);
    for (status, attempts) in [(200, 3), (403, 3), (502, 6)] {
        let bench = Bench::new(vec![Ok((status, "<html>")); 100]);
        assert_eq!(bench.read(3600).await.unwrap_err().code, UNREADABLE_ANSWER);
        assert_eq!(bench.times().len(), attempts, "{status}");
    }
    let wrong_key = r#"{"Code":"InvalidAccessKeyId.NotFound","Message":"m"}"#;
    let bench = Bench::new(vec![Ok((404, wrong_key)); 100]);
    assert_eq!(bench.read(3600).await.unwrap_err().class, Class::Denied);
    assert_eq!(bench.times(), [0]);
}

#[tokio::test]
async fn throttling_is_waited_out_as_the_service_asks_and_slows_what_follows() {
    let header = ("x-acs-retry-after".to_owned(), "1500".to_owned());
    let bench = Bench::with(vec![Ok((400, THROTTLED))], vec![header], |settings| {
        settings.max_requests_per_second = Some(4.0);
    });
    bench.read(60).await.unwrap();
    bench.read(60).await.unwrap();
    assert_eq!(bench.times()[..2], [0, 1500]);
    let third = bench.times()[2];
    assert!((1750..=3000).contains(&third), "{third}");
    let lines = bench.log.0.lock().unwrap().clone();
    let told = lines.iter().filter(|line| line.contains("event=limited requests_per_second="));
    assert_eq!(told.count(), 1, "{lines:#?}");
}

#[tokio::test]
async fn silence_beyond_the_deadline_is_kept_and_tried_once_more() {
    let header = |text: &str| vec![("x-acs-retry-after".to_owned(), text.to_owned())];
    let bench = Bench::with(vec![Ok((400, THROTTLED))], header("200000"), |_| {});
    bench.read(120).await.unwrap();
    assert_eq!(bench.times(), [0, 200_000]);
    let bench = Bench::with(vec![Ok((400, THROTTLED)); 100], header("200000"), |_| {});
    assert_eq!(bench.read(120).await.unwrap_err().class, Class::Throttled);
    assert_eq!(bench.times(), [0, 200_000]);
}

#[tokio::test]
async fn absurd_wishes_are_not_waited_for() {
    for text in ["1000000000000", "-5", "soon", "1e12", "99999999999999999999999", ""] {
        let header = ("x-acs-retry-after".to_owned(), text.to_owned());
        let bench = Bench::with(vec![Ok((429, THROTTLED))], vec![header], |_| {});
        bench.read(60).await.unwrap();
        assert!(bench.times()[1] < 1000, "{text}: {:?}", bench.times());
    }
}

#[tokio::test]
async fn what_is_throttled_is_patient_while_others_are_answered() {
    let mut steps = Vec::new();
    for _ in 0..200 {
        steps.extend([Ok((503, "{\"Code\":\"ServiceUnavailable\"}")), Ok((200, LIST))]);
    }
    let bench = Bench::new(steps);
    let patient = async {
        for _ in 0..150 {
            bench.read(0).await.unwrap();
        }
    };
    let others = async {
        for _ in 0..40 {
            bench.read(3600).await.unwrap();
        }
    };
    futures_util::future::join(patient, others).await;
}

#[tokio::test]
async fn clients_of_one_account_share_their_limits() {
    let first = Bench::new(vec![]);
    let second = Bench::with(vec![], vec![], |settings| {
        settings.max_requests_per_second = Some(2.0);
    });
    let client = second.client.clone().sharing_limits_with(&first.client);
    for client in [&client, &first.client, &client] {
        client.send(&Call::new(Action::DescribeNatGateways)).await.unwrap();
    }
    assert_eq!(second.times().len(), 2);
    assert!(first.times()[0] >= 490, "the lower ceiling counts for both: {:?}", first.times());
}

/// Never answers.
struct Silent;

impl Transport for Silent {
    fn send(&self, _: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_no_answer() {
    let clock = ManualClock::at(Timestamp(START));
    let environment = Environment { clock: Arc::new(clock.clone()), ..Environment::real() };
    let settings = ClientSettings::new(Endpoint::Embedded, Credentials::test_account(), "r");
    let sleeper = Arc::new(VirtualSleep::new(clock.clone()));
    let log = Arc::new(Memory::default());
    let client = Client::new(settings, Arc::new(Silent), &environment, sleeper, log);
    let error = client.send(&Call::new(Action::DeleteNatGateway)).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.is_definite()), (NO_ANSWER, false));
    assert_eq!(clock.now().0 - START, 60_000);
}

/// Counts requests and never answers.
struct Counting(Arc<Mutex<usize>>);

impl Transport for Counting {
    fn send(&self, _: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        *self.0.lock().unwrap() += 1;
        Box::pin(std::future::pending())
    }
}

/// Never wakes.
struct Asleep;

impl Sleep for Asleep {
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn at_most_so_many_requests_are_in_flight() {
    let sent = Arc::new(Mutex::new(0_usize));
    let mut settings = ClientSettings::new(Endpoint::Embedded, Credentials::test_account(), "r");
    settings.parallelism = 3;
    let transport = Arc::new(Counting(sent.clone()));
    let log = Arc::new(Memory::default());
    let client = Client::new(settings, transport, &Environment::real(), Arc::new(Asleep), log);
    let call = Call::new(Action::DescribeNatGateways);
    let mut all = pin!(futures_util::future::join_all((0..8).map(|_| client.send(&call))));
    assert!(futures_util::poll!(all.as_mut()).is_pending());
    assert_eq!(*sent.lock().unwrap(), 3);
}

#[tokio::test]
async fn the_log_has_every_request_and_no_secret() {
    let secret = "vErY/s3cret+";
    let body = r#"{"RequestId":"R-1","Code":"SignatureDoesNotMatch",
        "Message":"server string to sign is:GET&%2F&SecurityToken%3DtOkEn%252F1 vErY/s3cret+"}"#;
    let bench = Bench::with(vec![Ok((400, body))], vec![], |settings| {
        settings.credentials = Credentials {
            access_key_id: "id".to_owned(),
            access_key_secret: Secret::new(secret),
            security_token: Some(Secret::new("tOkEn/1")),
            source: CredentialSource::Variables,
        };
        settings.redactor.add("private name");
    });
    let call = Call::new(Action::CreateNatGateway)
        .with("Name", "private name")
        .with("Description", "the private name of it")
        .with_token("token-1");
    let error = bench.client.send(&call).await.unwrap_err();
    assert!(!error.message.contains(secret) && !error.message.contains("tOkEn"), "{error}");
    let lines = bench.log.0.lock().unwrap().clone();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("debug CreateNatGateway event=sent"), "{}", lines[0]);
    for part in ["status=400", "code=SignatureDoesNotMatch", "request_id=R-1", "token-1"] {
        assert!(lines[1].contains(part), "{} lacks {part}", lines[1]);
    }
    let signature = parameters(&bench.request(0))["Signature"].clone();
    for line in &lines {
        for hidden in [secret, "tOkEn", "private name", signature.as_str(), "Signature="] {
            assert!(!line.contains(hidden), "{line} shows {hidden}");
        }
    }
    assert!(!format!("{:?}", bench.client).contains(secret));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn reading_never_outlives_its_deadline(
        faults in prop::collection::vec(0u8..5, 0..40),
        seconds in 0i64..120,
    ) {
        let steps = faults.iter().map(|fault| match fault {
            0 => Err(no_answer()),
            1 => Ok((400, THROTTLED)),
            2 => Ok((500, r#"{"Code":"InternalError","Message":"m"}"#)),
            3 => Ok((409, r#"{"Code":"OperationConflict","Message":"m"}"#)),
            _ => Ok((200, LIST)),
        }).collect();
        let bench = Bench::new(steps);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let outcome = runtime.block_on(bench.read(seconds));
        let times = bench.times();
        // What is refused as one too many has a minute of its own.
        let grace = if faults.contains(&1) { 60 } else { 0 };
        prop_assert!(*times.last().unwrap() <= (seconds + grace) * 1000);
        prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
        if !faults.is_empty() && outcome.is_ok() {
            prop_assert!(times.len() <= faults.len() + 1);
        }
    }
}
