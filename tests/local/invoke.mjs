// Asks an endpoint through AWS's JavaScript SDK: node invoke.mjs ENDPOINT CONTENT_TYPE BODY
import { InvokeEndpointCommand, SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";

const [EndpointName, ContentType, Body] = process.argv.slice(2);
const answer = await new SageMakerRuntimeClient().send(
  new InvokeEndpointCommand({ EndpointName, ContentType, Body }),
);
console.log(new TextDecoder().decode(answer.Body));
